import { afterEach, describe, expect, it, vi } from "vitest";

import { GatewayUnavailableError } from "../gateway";
import { fetchExport } from "./dataExport";

const URL_OF_FILE = "https://users.example.com/data-exports/exp_1";
const UNAVAILABLE = { kind: "refused", message: "This cannot be done right now. Try again in a minute.", problems: {} };

const answering = (dataExport: object | null) => async () => ({ data: { dataExport } });
const ready = answering({ id: "exp_1", status: "READY", downloadUrl: URL_OF_FILE });

function serving(answer: () => Promise<Response>) {
  const asked: [string, RequestInit | undefined][] = [];
  vi.stubGlobal("location", { origin: "https://shop.example.com" });
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    asked.push([url, init]);
    return answer();
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe("fetchExport", () => {
  it("fetches the file with the token, and names it after the export", async () => {
    const asked = serving(async () => new Response('{"format": 1}'));

    const fetched = await fetchExport("the-token", ready);

    expect(fetched).toMatchObject({ kind: "here", name: "exp_1.json" });
    expect(fetched.kind === "here" && (await fetched.file.text())).toBe('{"format": 1}');
    expect(asked).toEqual([[URL_OF_FILE, { headers: { Authorization: "Bearer the-token" } }]]);
  });

  it.each([
    ["pending", { id: "exp_1", status: "PENDING", downloadUrl: null }],
    ["none", { id: "exp_1", status: "EXPIRED", downloadUrl: null }],
    ["none", { id: "exp_1", status: "FAILED", downloadUrl: null }],
    ["none", null],
  ])("is %s where the API says %o", async (kind, dataExport) => {
    expect(await fetchExport("the-token", answering(dataExport))).toEqual({ kind });
  });

  it("is none where the file was deleted a moment ago", async () => {
    serving(async () => new Response("", { status: 404 }));

    expect(await fetchExport("the-token", ready)).toEqual({ kind: "none" });
  });

  it("says so where the API or the file cannot be had", async () => {
    const gone = async () => {
      throw new GatewayUnavailableError("Nobody there.");
    };
    expect(await fetchExport("the-token", gone)).toEqual(UNAVAILABLE);
    expect(await fetchExport("the-token", async () => ({ errors: [{ message: "FORBIDDEN" }] }))).toEqual(UNAVAILABLE);

    serving(async () => new Response("", { status: 503 }));
    expect(await fetchExport("the-token", ready)).toEqual(UNAVAILABLE);
    serving(async () => {
      throw new TypeError("failed to fetch");
    });
    expect(await fetchExport("the-token", ready)).toEqual(UNAVAILABLE);
  });
});
