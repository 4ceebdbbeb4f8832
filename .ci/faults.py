"""The faults of GUARANTEES.md, beside what their tests have just measured.

    FAULT_FIGURES=$PWD/target/faults cargo test --tests && python3 .ci/faults.py target/faults

Each fault must have exactly one row from a test, and it must be the test that the page names.
With --write the page gets the tests and the figures as they are now.
"""

import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).parent.parent / "GUARANTEES.md"
ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$")


def measured(directory):
    rows = {}
    for path in sorted(directory.iterdir()):
        number, test, *counts, figures = path.read_text().rstrip("\n").split("\t")
        names = ["events", "written", "dropped", "failed"]
        parts = [f"{int(count):,} {name}" for count, name in zip(counts, names) if int(count)]
        rows.setdefault(int(number), []).append((f"`{test}`", ", ".join(parts + [figures])))
    return rows


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    write = len(arguments) < len(sys.argv) - 1
    rows = measured(pathlib.Path(arguments[0]))
    problems, lines, faults = [], [], 0
    for line in PAGE.read_text().splitlines():
        match = ROW.match(line)
        if not match:
            lines.append(line)
            continue
        faults += 1
        number, fault, behaviour, test, figures = match.groups()
        found = rows.pop(int(number), [])
        if test == "none":
            # A fault that cannot be met yet says so on the page.
            if found:
                problems.append(f"{number}: the page says there is no test, but {found} is there")
            lines.append(line)
            continue
        if len(found) != 1:
            problems.append(f"{number}: one row is expected of {test}, found {found}")
            lines.append(line)
            continue
        (new_test, new_figures) = found[0]
        if test != new_test and not write:
            problems.append(f"{number}: the page names {test}, the row is from {new_test}")
        lines.append(f"| {number} | {fault} | {behaviour} | {new_test} | {new_figures} |")
        print(f"{number:>2}  {fault}\n    {new_test.strip('`')}\n    {new_figures}")
    problems += [f"{number}: not on the page: {found}" for number, found in rows.items()]
    if write:
        PAGE.write_text("\n".join(lines) + "\n")
    print(f"{faults} faults, {len(problems)} problems")
    sys.exit("\n".join(problems) if problems else 0)


main()
