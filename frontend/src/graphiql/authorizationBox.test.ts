import { describe, expect, it } from "vitest";

import { createAuthorizationBox, EMPTY_BOX } from "./authorizationBox";

function emptyStorage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    clear: () => items.clear(),
    getItem: (key) => items.get(key) ?? null,
    key: (index) => [...items.keys()][index] ?? null,
    removeItem: (key) => void items.delete(key),
    setItem: (key, value) => void items.set(key, value),
  };
}

const ADAS = { text: "abc", email: "ada@example.com" };

describe("createAuthorizationBox", () => {
  it("begins empty", () => {
    expect(createAuthorizationBox(emptyStorage()).read()).toEqual(EMPTY_BOX);
  });

  it("still holds its content after a reload", () => {
    const storage = emptyStorage();
    createAuthorizationBox(storage).fill(ADAS);

    expect(createAuthorizationBox(storage).read()).toEqual(ADAS);
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
