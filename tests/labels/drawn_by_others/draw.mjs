// Draws ZPL with zpl-renderer-js: one line of JSON in ({zpl, width_mm, height_mm, dpmm}), one
// line of base64 PNG (or "!" and a reason) out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const { ready } = createRequire(process.cwd() + "/")("zpl-renderer-js");
const { api } = await ready;
for await (const line of createInterface({ input: process.stdin })) {
  const { zpl, width_mm, height_mm, dpmm } = JSON.parse(line);
  try {
    console.log(await api.zplToBase64Async(zpl, width_mm, height_mm, dpmm));
  } catch (error) {
    console.log("!" + String(error));
  }
}
