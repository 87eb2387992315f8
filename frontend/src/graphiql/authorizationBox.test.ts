import { describe, expect, it } from "vitest";

import { createAuthorizationBox, EMPTY_BOX } from "./authorizationBox";
import { emptyStorage } from "./emptyStorage";

const ADAS = { text: "abc", email: "ada@example.com" };
const PASTED = { text: "xyz", email: null };

describe("createAuthorizationBox", () => {
  it("begins empty", () => {
    expect(createAuthorizationBox(emptyStorage()).read()).toEqual(EMPTY_BOX);
  });

  it("still holds a pasted token after a reload", () => {
    const storage = emptyStorage();
    createAuthorizationBox(storage).fill(PASTED);

    expect(createAuthorizationBox(storage).read()).toEqual(PASTED);
  });

  it("keeps of a login only whose it was", () => {
    const storage = emptyStorage();
    createAuthorizationBox(storage).fill(ADAS);

    expect(createAuthorizationBox(storage).read()).toEqual({ text: "", email: ADAS.email });
    expect(storage.getItem(storage.key(0) ?? "")).not.toContain(ADAS.text);
  });

  it("leaves nothing in the storage once cleared", () => {
    const storage = emptyStorage();
    const box = createAuthorizationBox(storage);
    box.fill(ADAS);

    box.clear();

    expect(box.read()).toEqual(EMPTY_BOX);
    expect(storage.length).toBe(0);
  });

  it("tells its listeners until they leave", () => {
    const box = createAuthorizationBox(emptyStorage());
    const seen: string[] = [];
    const leave = box.subscribe(() => seen.push(box.read().text));

    box.fill(ADAS);
    box.clear();
    leave();
    box.fill(ADAS);

    expect(seen).toEqual(["abc", ""]);
  });
});
