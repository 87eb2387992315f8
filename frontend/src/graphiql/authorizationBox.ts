/** What the box holds: the text as the user typed it, and, where a login filled it, whose token it is. */
export interface BoxContent {
  readonly text: string;
  readonly email: string | null;
}

export interface AuthorizationBox {
  read(): BoxContent;
  fill(content: BoxContent): void;
  clear(): void;
  subscribe(listener: () => void): () => void;
}

export const EMPTY_BOX: BoxContent = { text: "", email: null };
const STORAGE_KEY = "graphiql-page:authorization";

/**
 * The box's content, kept in *storage* and told to whoever subscribes.
 *
 * The page passes sessionStorage: a token that was pasted then outlives a reload, which a developer does all day, but
 * neither the tab nor the browser, and no other tab reads it. localStorage would leave it on the disk. Of a login
 * only the address is kept: there is a cookie to go on with (`resumeLogin`).
 */
export function createAuthorizationBox(storage: Storage): AuthorizationBox {
  const listeners = new Set<() => void>();
  let content = stored(storage);

  function change(next: BoxContent): void {
    content = next;
    const kept = next.email === null ? next : { ...next, text: "" };
    if (kept.text === "" && kept.email === null) storage.removeItem(STORAGE_KEY);
    else storage.setItem(STORAGE_KEY, JSON.stringify(kept));
    for (const listener of listeners) listener();
  }

  return {
    read: () => content,
    fill: change,
    clear: () => change(EMPTY_BOX),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function stored(storage: Storage): BoxContent {
  const saved = storage.getItem(STORAGE_KEY);
  return saved === null ? EMPTY_BOX : (JSON.parse(saved) as BoxContent);
}
