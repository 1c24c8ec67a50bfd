"""What is printed, and the plot."""

import html
import statistics

median = statistics.median


def spread(values):
    return f"{short(min(values))} – {short(max(values))}"


def short(value):
    """Three digits that matter."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.01 else f"{value:.4f}"


def rate(value):
    return f"{value / 1000:,.1f} k" if value >= 10000 else f"{value:,.0f}"


def table(rows):
    """Columns as wide as they must be; the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if at == 0 else cell.rjust(width)
                 for at, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


# ---- the plot ---------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 24, 34, 44


def panel(title, axis, points, begin):
    """Cost in µs against a number on a logarithmic axis. points: [(number, [costs])]"""
    numbers = [number for number, _ in points]
    most = max(max(costs) for _, costs in points) * 1.15
    steps = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1e9) if most / step <= 6)
    decades = max(len(str(max(numbers))) - 1, 1)

    def x(number):
        place = len(str(number)) - 1 + (number / 10 ** (len(str(number)) - 1) - 1) / 9
        return begin + LEFT + (WIDTH - LEFT - RIGHT) * place / decades

    def y(cost):
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - cost / most)

    out = [f'<text class="title" x="{begin + LEFT}" y="18">{html.escape(title)}</text>']
    level = 0
    while level * steps <= most:
        out.append(f'<line class="grid" x1="{begin + LEFT}" x2="{begin + WIDTH - RIGHT}" '
                   f'y1="{y(level * steps):.1f}" y2="{y(level * steps):.1f}"/>'
                   f'<text x="{begin + LEFT - 6}" y="{y(level * steps) + 4:.1f}" text-anchor="end">'
                   f'{level * steps:g}</text>')
        level += 1
    for number in numbers:
        out.append(f'<text x="{x(number):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number:,}</text>')
    out.append(f'<text x="{begin + (LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
               f'{html.escape(axis)}</text>')
    for number, costs in points:
        out.append(f'<line class="spread" x1="{x(number):.1f}" x2="{x(number):.1f}" '
                   f'y1="{y(min(costs)):.1f}" y2="{y(max(costs)):.1f}"/>')
    path = " ".join(f"{x(number):.1f},{y(median(costs)):.1f}" for number, costs in points)
    out.append(f'<polyline class="cost" points="{path}"/>')
    for number, costs in points:
        out.append(f'<circle cx="{x(number):.1f}" cy="{y(median(costs)):.1f}" r="3.5"/>')
    return "\n".join(out)


def plot(panels):
    """One SVG of several panels: [(title, axis, points)]"""
    drawn = "\n".join(panel(*what, at * WIDTH) for at, what in enumerate(panels))
    width = WIDTH * len(panels)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}">
<title>Cost of a message against number of rules and of instances, made by ./dev bench</title>
<style>
text {{ font: 12px sans-serif; fill: #555 }} .title {{ font-weight: bold; fill: #222 }}
.grid {{ stroke: #ddd }} .spread {{ stroke: #9bb8d8; stroke-width: 5 }}
.cost {{ fill: none; stroke: #1f5fa8; stroke-width: 2 }} circle {{ fill: #1f5fa8 }}
</style>
<rect width="{width}" height="{HEIGHT}" fill="#fff"/>
{drawn}
</svg>
"""
