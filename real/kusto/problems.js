// node problems.js PACKAGE < {tables, functions, queries} > {query: {problems, columns}}; real/kusto/checking.py says what is in them.
const fs = require("node:fs");
const path = require("node:path");

const folder = process.argv[2];
require(path.join(folder, "bridge.min.js"));
require(path.join(folder, "Kusto.Language.Bridge.min.js"));
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

// The package is C# translated: lists count and are indexed as there, constructors have numbers.
const listed = (list) => Array.from({ length: list ? list.Count : 0 }, (_, index) => list.getItem(index));
const table = (name, schema) => new Symbols.TableSymbol.$ctor7(name, schema, null);
const named = (name, { parameters, body }) => new Symbols.FunctionSymbol.$ctor16(name, parameters, `{\n${body}\n}`, null);

const { tables, functions, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const workspace = new Symbols.DatabaseSymbol.ctor("workspace", [
  ...Object.entries(tables).map(([name, schema]) => table(name, schema)),
  ...Object.entries(functions).map(([name, each]) => named(name, each)),
]);
const globals = GlobalState.Default.WithDatabase(workspace);

function checked(text) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  return {
    problems: listed(code.GetDiagnostics()).map((each) => ({ start: each.Start, message: `${each.Code} ${each.Message}` })),
    columns: Object.fromEntries(listed(code.ResultType?.Columns).map((each) => [each.Name, each.Type.Name])),
  };
}

process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(queries).map(([name, text]) => [name, checked(text)]))));
