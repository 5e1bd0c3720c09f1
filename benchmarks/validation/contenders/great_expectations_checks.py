"""Great Expectations on a pandas frame that was cast before; the same rules, its result, no Parquet."""

import sys

import great_expectations as gx
import pandas as pd

from benchmarks.measured import measured

LINES = ["Classic Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks and Buses", "Vintage Cars"]
NUMBERS = ["quantity", "unit_price", "discount", "shop", "weight", "rating"]
REQUIRED = ["order_id", "ordered_at", "product_line", "quantity", "unit_price", "email", "country", "shop", "paid"]


def expectations() -> list[gx.expectations.core.ExpectColumnValuesToNotBeNull]:
    of = gx.expectations
    return [
        *(of.ExpectColumnValuesToNotBeNull(column=name) for name in REQUIRED),
        of.ExpectColumnValuesToBeUnique(column="order_id"),
        of.ExpectColumnValueLengthsToBeBetween(column="order_id", min_value=4, max_value=40),
        of.ExpectColumnValuesToBeInSet(column="product_line", value_set=LINES),
        of.ExpectColumnValuesToBeBetween(column="quantity", min_value=1, max_value=1000),
        of.ExpectColumnValuesToBeBetween(column="unit_price", min_value=0, max_value=10000, strict_min=True),
        of.ExpectColumnValuesToBeBetween(column="discount", min_value=0, max_value=0.9),
        of.ExpectColumnValuesToMatchRegex(column="email", regex=r"^[a-z0-9.]+@[a-z0-9.]+\.[a-z]{2,}$"),
        of.ExpectColumnValueLengthsToEqual(column="country", value=2),
        of.ExpectColumnValuesToBeBetween(column="shop", min_value=1),
        of.ExpectColumnValuesToBeBetween(column="weight", min_value=0),
        of.ExpectColumnValuesToBeBetween(column="rating", min_value=1, max_value=5),
    ]


def work() -> dict[str, object]:
    frame = pd.read_csv(sys.argv[1], dtype=str)
    frame[NUMBERS] = frame[NUMBERS].apply(pd.to_numeric, errors="coerce")
    frame["ordered_at"] = pd.to_datetime(frame["ordered_at"], format="%Y-%m-%dT%H:%M:%SZ", errors="coerce")
    frame["paid"] = frame["paid"].map({"true": True, "false": False})
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("orders")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    suite = gx.ExpectationSuite("orders", expectations=expectations())
    result = batch.validate(suite, result_format="COMPLETE")
    return {"errors": sum(each.result.get("unexpected_count", 0) for each in result.results)}


measured(work)
