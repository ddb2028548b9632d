// Answers the queries of a JSON list, read from standard input, with what DuckDB says. The argument is the folder with
// node_modules.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
const require = createRequire(process.argv[2] + '/');
const { DuckDBInstance } = require('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:')).connect();
const out = [];
for (const sql of JSON.parse(readFileSync(0, 'utf8'))) {
  const r = await db.runAndReadAll(sql);
  out.push({ columns: r.columnNames(), rows: r.getRowsJson() });
}
console.log(JSON.stringify(out));
