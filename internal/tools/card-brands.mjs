// Writes domain/card/brands.json from the npm package credit-card-type, and from what the networks publish where the
// package lacks it. Usage: go generate ./domain/card
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const version = "10.3.0";
const [file] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "card-brands-"));
execFileSync("npm", ["pack", "--silent", `credit-card-type@${version}`], { cwd: folder });
execFileSync("tar", ["-xzf", `credit-card-type-${version}.tgz`], { cwd: folder });
const types = createRequire(import.meta.url)(join(folder, "package/dist/lib/card-types.js"));
rmSync(folder, { recursive: true });

const names = { "american-express": "amex", "diners-club": "diners" };
const brands = Object.values(types).map((t) => ({
  brand: names[t.type] ?? t.type,
  lengths: t.lengths,
  ranges: t.patterns.map((p) => (Array.isArray(p) ? p.join("-") : String(p))),
}));
const of = (brand) => brands.find((b) => b.brand === brand);

// Visa had numbers of 13 digits; the others are of the networks' tables of ISO/IEC 7812 numbers for merchants.
of("visa").lengths = [13, 16, 18, 19];
of("diners").lengths = [14, 15, 16, 17, 18, 19];
of("diners").ranges.push("3095");
of("discover").lengths = [16, 17, 18, 19];
of("jcb").lengths = [15, 16, 17, 18, 19]; // 15 with 1800 and 2131
of("unionpay").ranges.push("62");
of("maestro").ranges = of("maestro").ranges.filter((r) => r !== "6"); // too wide to name a brand by
of("hipercard").lengths = [13, 16, 19];
brands.push(
  { brand: "dankort", lengths: [16], ranges: ["501900-501999"] },
  { brand: "dankort", coBrand: "visa", lengths: [16], ranges: ["4571"] },
  { brand: "unionpay", coBrand: "discover", lengths: [16, 17, 18, 19], ranges: ["622126-622925"] },
  { brand: "rupay", lengths: [16], ranges: ["508500-508999", "606985-607984", "608001-608500", "652150-653149", "817200-820199"] },
  { brand: "uzcard", lengths: [16], ranges: ["8600", "5614"] },
  { brand: "humo", lengths: [16], ranges: ["9860"] },
  { brand: "napas", lengths: [16, 19], ranges: ["9704"] },
);
// Troy's numbers within Discover's are of cards of both.
const troy = of("troy");
brands.push({ ...troy, coBrand: "discover", ranges: troy.ranges.filter((r) => r.startsWith("65")) });
troy.ranges = troy.ranges.filter((r) => !r.startsWith("65"));

brands.sort((a, b) => a.brand.localeCompare(b.brand) || (a.coBrand ?? "").localeCompare(b.coBrand ?? ""));
const lines = brands.map(({ brand, coBrand, lengths, ranges }) => "    " + JSON.stringify({ brand, coBrand, lengths, ranges }));
writeFileSync(file, `{
  "source": "npm credit-card-type ${version} (MIT); for what it lacks the networks' own tables and those that Wikipedia collects under Payment card number",
  "date": "2026-11-29",
  "brands": [
${lines.join(",\n")}
  ]
}
`);
