"""What every Sluice service stands on. Services meet here and nowhere else."""
