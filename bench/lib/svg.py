# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG: lines over a logarithmic axis, and bars. Readable on light and dark: colours follow the reader's scheme."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 170, 48, 56
STYLE = '''<style>
text { font: 13px sans-serif; fill: #222; } .title { font-size: 16px; font-weight: bold; } .small { font-size: 11px; }
.axis { stroke: #444; fill: none; } .grid { stroke: #ccc; } .ground { fill: #fff; }
.s0 { stroke: #1f5fa8; fill: #1f5fa8; } .s1 { stroke: #b3541e; fill: #b3541e; } .s2 { stroke: #2c7a3f; fill: #2c7a3f; }
.s3 { stroke: #7a3b8f; fill: #7a3b8f; } .line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #ddd; } .axis { stroke: #bbb; } .grid { stroke: #444; } .ground { fill: #1b1b1b; }
.s0 { stroke: #79b0ee; fill: #79b0ee; } .s1 { stroke: #f0a070; fill: #f0a070; } .s2 { stroke: #83cf95; fill: #83cf95; }
.s3 { stroke: #cf9be0; fill: #cf9be0; } .line { fill: none; } }
</style>'''


def number(value):
    """Short: 1200 is 1,200; 0.25 is 0.25."""
    return '{:,.0f}'.format(value) if abs(value) >= 100 or value == int(value) else '%.3g' % value


def ticks(low, high, logarithmic):
    if logarithmic:
        return [10.0 ** k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    step = 10.0 ** math.floor(math.log10(high or 1))
    while high / step < 4:
        step /= 2
    return [step * i for i in range(math.ceil(high / step) + 1)]


class Axis:
    def __init__(self, values, logarithmic, begin, end):
        positive = [v for v in values if v > 0] if logarithmic else list(values)
        high = max(positive, default=1) or 1
        self.ticks = ticks(min(positive, default=1), high, logarithmic)
        self.logarithmic, self.begin, self.end = logarithmic, begin, end
        if len(self.ticks) == 1:
            self.ticks.append(self.ticks[0] * 10 if logarithmic else self.ticks[0] + 1)

    def at(self, value):
        low, high = self.ticks[0], self.ticks[-1]
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.ticks[0]))
        return self.begin + (self.end - self.begin) * (value - low) / (high - low)


def head(title, subtitle):
    return ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">'
            % (WIDTH, HEIGHT, escape(title, {'"': '&quot;'})), STYLE, '<rect class="ground" width="100%" height="100%"/>',
            '<text class="title" x="%d" y="22">%s</text>' % (LEFT, escape(title)),
            '<text class="small" x="%d" y="39">%s</text>' % (LEFT, escape(subtitle))]


def upright(y, label):
    parts = []
    for tick in y.ticks:
        at = y.at(tick)
        parts.append('<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>' % (LEFT, WIDTH - RIGHT, at, at))
        parts.append('<text class="small" text-anchor="end" x="%d" y="%.1f">%s</text>' % (LEFT - 6, at + 4, number(tick)))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append('<text text-anchor="middle" transform="translate(20 %.1f) rotate(-90)">%s</text>' % (middle, escape(label)))
    return parts


def lines(title, subtitle, x_label, y_label, series, log_x=True, log_y=False):
    """series: {name: [(x, y), ...]}; at most four."""
    points = [p for row in series.values() for p in row]
    x = Axis([p[0] for p in points], log_x, LEFT, WIDTH - RIGHT)
    y = Axis([p[1] for p in points], log_y, HEIGHT - BOTTOM, TOP)
    parts = head(title, subtitle) + upright(y, y_label)
    for at_x in sorted({p[0] for p in points}):
        parts.append('<text class="small" text-anchor="middle" x="%.1f" y="%d">%s</text>'
                     % (x.at(at_x), HEIGHT - BOTTOM + 18, number(at_x)))
    parts.append('<text text-anchor="middle" x="%.1f" y="%d">%s</text>'
                 % ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, escape(x_label)))
    for i, (name, row) in enumerate(series.items()):
        path = ' '.join('%.1f,%.1f' % (x.at(a), y.at(b)) for a, b in row)
        parts.append('<polyline class="s%d line" points="%s"/>' % (i % 4, path))
        for a, b in row:
            parts.append('<circle class="s%d" r="3" cx="%.1f" cy="%.1f"><title>%s: %s, %s</title></circle>'
                         % (i % 4, x.at(a), y.at(b), escape(name), number(a), number(b)))
        parts.append('<rect class="s%d" x="%d" y="%d" width="10" height="10"/>' % (i % 4, WIDTH - RIGHT + 14, TOP + 22 * i))
        parts.append('<text x="%d" y="%d">%s</text>' % (WIDTH - RIGHT + 30, TOP + 22 * i + 10, escape(name)))
    parts.append('<path class="axis" d="M%d %d V%d H%d"/></svg>' % (LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT))
    return '\n'.join(parts) + '\n'


def bars(title, subtitle, x_label, values):
    """values: [(name, value), ...], from top to bottom."""
    left = 190
    x = Axis([v for _, v in values] + [0], False, left, WIDTH - 90)
    parts = head(title, subtitle)
    height = (HEIGHT - TOP - BOTTOM) / max(len(values), 1)
    for tick in x.ticks:
        parts.append('<line class="grid" y1="%d" y2="%d" x1="%.1f" x2="%.1f"/>' % (TOP, HEIGHT - BOTTOM, x.at(tick), x.at(tick)))
        parts.append('<text class="small" text-anchor="middle" x="%.1f" y="%d">%s</text>'
                     % (x.at(tick), HEIGHT - BOTTOM + 18, number(tick)))
    for i, (name, value) in enumerate(values):
        at = TOP + height * i
        parts.append('<text text-anchor="end" x="%d" y="%.1f">%s</text>' % (left - 8, at + height / 2 + 4, escape(name)))
        parts.append('<rect class="s0" x="%d" y="%.1f" width="%.1f" height="%.1f"/>'
                     % (left, at + height * 0.2, max(x.at(value) - left, 0), height * 0.6))
        parts.append('<text class="small" x="%.1f" y="%.1f">%s</text>' % (x.at(value) + 5, at + height / 2 + 4, number(value)))
    parts.append('<text text-anchor="middle" x="%.1f" y="%d">%s</text>' % ((left + WIDTH - 90) / 2, HEIGHT - 14, escape(x_label)))
    parts.append('<path class="axis" d="M%d %d V%d H%d"/></svg>' % (left, TOP, HEIGHT - BOTTOM, WIDTH - 90))
    return '\n'.join(parts) + '\n'
