/**
 * How cost grows: one quantity at a time, everything else as it is. Drawn as a chart of two rows (time, bytes written).
 */
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { median } from './report.js';

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Sets of bench/build.py, by what is different in them. */
export const GROWTH = [
  {
    quantity: 'rows',
    title: 'WAL rows (all but 300 go)',
    steps: [5_000, 10_000, 20_000, 40_000, 80_000],
  },
  { quantity: 'collections', title: 'collections (24,000 rows in all, 2 of 3 go)', steps: [10, 100, 400, 1_200] },
  { quantity: 'share', title: 'per cent of 20,000 rows that go', steps: [10, 30, 50, 70, 90] },
];

export const GROWTH_CONTENDERS = [
  'chroma-maint vacuum',
  'chops wal clean 0.1.5 (chromadb 0.5.5)',
  'sqlite3, cut-offs given: DELETE per topic, VACUUM',
];

const MEASURES = [
  { title: 'seconds', of: ({ seconds }) => seconds },
  { title: 'MiB written', of: ({ writtenBytes }) => writtenBytes / 2 ** 20 },
];

const [WIDTH, HEIGHT] = [1_200, 720];
const [LEFT, TOP, GAP_X, GAP_Y] = [60, 90, 70, 90];
const CELL_WIDTH = (WIDTH - LEFT - 30 - GAP_X * (GROWTH.length - 1)) / GROWTH.length;
const CELL_HEIGHT = (HEIGHT - TOP - 50 - GAP_Y * (MEASURES.length - 1)) / MEASURES.length;

/** Name of the set for one step of a quantity. */
export function setOf(quantity, step) {
  return `${quantity}-${step}`;
}

/** Draws the results of all growth sets. @returns {string} SVG */
export function chart(results) {
  const cells = MEASURES.flatMap((measure, row) => GROWTH.map((growth, column) => ({ measure, growth, row, column })));
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  drawing.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { top: 10, itemGap: 60, data: GROWTH_CONTENDERS },
    title: cells.map(({ measure, growth, row, column }) => ({
      text: `${measure.title} by ${growth.title}`,
      textStyle: { fontSize: 12, fontWeight: 'normal' },
      left: left(column),
      top: top(row) - 32,
    })),
    grid: cells.map(({ row, column }) => ({
      left: left(column),
      top: top(row),
      width: CELL_WIDTH,
      height: CELL_HEIGHT,
    })),
    xAxis: cells.map(({ growth }, gridIndex) => ({ gridIndex, type: 'value', max: growth.steps.at(-1) })),
    yAxis: cells.map((_, gridIndex) => ({ gridIndex, type: 'value', min: 0 })),
    series: cells.flatMap(({ measure, growth }, index) =>
      GROWTH_CONTENDERS.map((name) => ({
        name,
        type: 'line',
        xAxisIndex: index,
        yAxisIndex: index,
        data: points(results, { growth, measure, name }),
      })),
    ),
  });
  const svg = drawing.renderToSVGString();
  drawing.dispose();
  return svg;
}

function points(results, { growth, measure, name }) {
  return results
    .filter(({ quantity }) => quantity === growth.quantity)
    .map(({ step, runs }) => [step, median(runs.filter((run) => run.name === name).map(measure.of))]);
}

function left(column) {
  return LEFT + column * (CELL_WIDTH + GAP_X);
}

function top(row) {
  return TOP + row * (CELL_HEIGHT + GAP_Y);
}
