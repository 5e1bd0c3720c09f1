"""What is handed back: causes, the rejected rows, the marked workbook."""
