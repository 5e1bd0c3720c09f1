"""`make bench [AREA=validation] [TIMES=3]`: run the comparisons, write `results.json` and the table of the README."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.druid import cases as druid
from benchmarks.harness import ROOT, Comparison, run_in_turns
from benchmarks.upload import cases as upload
from benchmarks.validation import cases as validation

AREAS = {"druid": druid.comparisons, "upload": upload.comparisons, "validation": validation.comparisons}
HERE = Path(__file__).parent
BEGIN, END = "<!-- results: written by make bench -->", "<!-- end of results -->"
Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--area", choices=list(AREAS), action="append")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--case", default="", help="only cases whose name holds this; nothing is written then")
    parser.add_argument("--peers", required=True, help="Python of the environment with the peers")
    asked = parser.parse_args()
    rows: list[Row] = []
    for area in asked.area or AREAS:
        with AREAS[area](ROOT / ".sluice" / "bench", sys.executable, asked.peers) as comparisons:
            rows += measure(area, [each for each in comparisons if asked.case in each.case], asked.times)
    if not asked.case:
        keep(rows)


def measure(area: str, comparisons: list[Comparison], times: int) -> list[Row]:
    """All contenders of a case run in turns, so that the noise of the machine meets each alike."""
    rows = []
    for case in dict.fromkeys(each.case for each in comparisons):
        of_case = [each for each in comparisons if each.case == case]
        contenders = list(
            dict.fromkeys(c for each in of_case for c in (each.ours, each.peer) if not isinstance(c, float))
        )
        least = run_in_turns(contenders, times)
        for each in of_case:
            rows.append(row(area, each, least, times))
            sys.stdout.write(json.dumps(rows[-1]) + "\n")
            sys.stdout.flush()
    return rows


def row(area: str, each: Comparison, least: dict[object, dict[str, float]], times: int) -> Row:
    ours = least[each.ours][each.metric]
    theirs = each.peer if isinstance(each.peer, float) else least[each.peer][each.metric]
    name = each.peer_name or getattr(each.peer, "name", "")
    return {
        "area": area,
        "case": each.case,
        "peer": name,
        "metric": each.metric,
        "ours": round(ours, 4),
        "theirs": round(theirs, 4),
        "beyond" if each.beyond else "ratio": round(ours - theirs if each.beyond else ours / theirs, 3),
        "n": times,
        "reach": round(each.reach, 2),
        "stretch": each.stretch and round(each.stretch, 2),
    }


def keep(rows: list[Row]) -> None:
    """Areas that were not run keep their rows."""
    path = HERE / "results.json"
    areas = {each["area"] for each in rows}
    old = json.loads(path.read_text()) if path.exists() else []
    rows = [each for each in old if each["area"] not in areas] + rows
    path.write_text("[\n" + ",\n".join(json.dumps(each) for each in rows) + "\n]\n")
    readme = HERE / "README.md"
    head, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(f"{head}{BEGIN}\n{table(rows)}{END}{rest.partition(END)[2]}")


def table(rows: list[Row]) -> str:
    lines = [
        "| area | case | against | metric | ours | theirs | ratio | to reach | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in rows:
        found = each["beyond"] if "beyond" in each else each["ratio"]
        sign = "+" if "beyond" in each else ""
        reached = "reached" if found <= each["reach"] else "**not reached**"
        if each["stretch"] and found <= each["stretch"]:
            reached = "stretch reached"
        stretch = f" ({sign}{each['stretch']})" if each["stretch"] else ""
        lines.append(
            f"| {each['area']} | {each['case']} | {each['peer']} | {each['metric']} | {each['ours']} | {each['theirs']} "
            f"| {sign}{found} | ≤ {sign}{each['reach']}{stretch} | {reached} |"
        )
    return "\n".join(lines) + "\n"


main()
