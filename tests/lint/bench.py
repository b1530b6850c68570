#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks write and draw: bench.py ROOT. Nothing is measured here."""
import json, os, re, subprocess, sys, tempfile, unittest
import xml.etree.ElementTree as ET

ROOT = os.path.abspath(sys.argv.pop(1))
sys.path.insert(0, os.path.join(ROOT, 'bench', 'lib'))
import answers
import beside
import common
import scaling
import svg
import tools

SVG = '{http://www.w3.org/2000/svg}'


def texts(root):
    return [t.text for t in root.iter(SVG + 'text')]


class Drawing(unittest.TestCase):
    def test_lines_have_title_axes_units_and_a_name_for_each(self):
        root = ET.fromstring(svg.lines('Title <1>', 'about', 'processes', 'events/s', {'a & b': [(1, 5), (10, 50)], 'c': [(1, 7)]}))
        for text in ('Title <1>', 'about', 'processes', 'events/s', 'a & b', 'c'):
            self.assertIn(text, texts(root))
        self.assertEqual(len(root.findall(SVG + 'polyline')), 2)
        self.assertEqual(len(root.findall(SVG + 'circle')), 3)

    def test_points_are_where_their_values_are(self):
        root = ET.fromstring(svg.lines('t', 's', 'x', 'y', {'a': [(1, 0), (10, 100), (100, 50)]}))
        points = [tuple(map(float, p.split(','))) for p in root.find(SVG + 'polyline').get('points').split()]
        self.assertLess(points[0][0], points[1][0])
        self.assertAlmostEqual(points[1][0] - points[0][0], points[2][0] - points[1][0], delta=0.2)
        self.assertEqual(points[0][1], svg.HEIGHT - svg.BOTTOM)
        self.assertAlmostEqual(points[2][1], (points[0][1] + points[1][1]) / 2, delta=0.2)

    def test_bars_are_as_long_as_their_values(self):
        root = ET.fromstring(svg.bars('t', 's', 'x', [('one', 1.0), ('three', 3.0)]))
        widths = [float(r.get('width')) for r in root.findall(SVG + 'rect') if r.get('class') == 's0']
        self.assertAlmostEqual(widths[1], 3 * widths[0], delta=0.3)

    def test_nothing_and_zero_can_be_drawn(self):
        ET.fromstring(svg.bars('t', 's', 'x', [('none', 0)]))
        ET.fromstring(svg.lines('t', 's', 'x', 'y', {'a': [(10, 0)]}, log_y=True))

    def test_colours_follow_the_scheme_of_the_reader(self):
        text = svg.bars('t', 's', 'x', [('one', 1)])
        self.assertIn('prefers-color-scheme: dark', text)
        self.assertEqual(text.count('.s0 {'), 2)


class Form(unittest.TestCase):
    def test_machine_is_told_with_kernel_commit_and_date(self):
        about = common.machine()
        for key in ('commit', 'kernel', 'cpu', 'cpus', 'load', 'date', 'machine'):
            self.assertIn(key, about)
        self.assertRegex(about['date'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        json.dumps(about)

    def test_plot_draws_what_a_file_has_and_fails_where_that_is_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            figures = dict(common.machine(), **{'opens_execrayd_load_ratio': 1.1, 'opens_nothing_load_ratio': 1})
            for processes, rate in scaling.SERIES:
                for key in ('cpu_percent', 'events_per_s', 'lost_percent'):
                    figures['series_%d_%s' % (processes, key)] = rate / 1000
            for name, content in (('some.json', figures), ('none.json', {})):
                with open(os.path.join(folder, name), 'w') as f:
                    json.dump(content, f)
            plot = [sys.executable, os.path.join(ROOT, 'bench', 'plot'), folder]
            result = subprocess.run(plot + [os.path.join(folder, 'some.json')], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)
            drawn = result.stdout.split()
            self.assertEqual(sorted(os.path.basename(p) for p in drawn),
                             ['compare-opens-load-ratio.svg', 'series-cpu.svg', 'series-lost.svg', 'series-rate.svg'])
            for path in drawn:
                ET.parse(path)
            self.assertEqual(subprocess.run(plot + [os.path.join(folder, 'none.json')], capture_output=True).returncode, 1)

    def test_every_tool_can_be_told_of_each_of_its_loads(self):
        for tool in tools.TOOLS:
            for load in tool.loads:
                self.assertIn(load, tools.LOADS)
                for table in ('steps', 'rules', 'scripts'):
                    self.assertTrue(load in getattr(tool, table, {load: 0}), '%s: no %s for %s' % (tool.name, table, load))

    def test_table_beside_another_has_all_lines_and_says_what_is_unknown(self):
        lines = list(beside.table({'one': {'rss_mb': 12.34, 'offered_per_s': 560000.4, 'lost_percent': 0}, 'two': {}}))
        self.assertEqual(len(lines), 1 + len(beside.LINES))
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertEqual(lines[1].split()[-3:], ['58', '12.3', 'unknown'])
        self.assertEqual(lines[-2].split()[-3:], ['560,000', '560,000', 'unknown'])
        self.assertEqual(lines[-1].split()[-3:], ['20', '0', 'unknown'])

    def test_sentences_that_are_looked_for_are_those_of_the_daemon(self):
        for path, pattern in (('response/response.c', answers.ANSWERED), ('app/manager-late.c', answers.KILLED)):
            with open(os.path.join(ROOT, 'daemon', path)) as f:
                text = re.sub(r'"\s*(?:PRIu64|PRIu32)?\s*"', '', f.read())
            said = re.search(r'"([^"]*%s[^"]*)"' % re.escape(answers.MARK[path]), text)
            self.assertIsNotNone(said, path)
            self.assertRegex(re.sub(r'%(?:\.2f|s)?', '7', said.group(1)), pattern)


if __name__ == '__main__':
    unittest.main()
