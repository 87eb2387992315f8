import { type ReactNode, useEffect, useRef } from "react";

export interface Said {
  readonly heading: string;
  readonly text: string;
}

/** Its heading gets the focus where it replaces another one, so that it is read out and the keyboard goes on from there. */
export function Section({ heading, text, children }: Said & { children?: ReactNode }) {
  const title = useRef<HTMLHeadingElement>(null);
  const before = useRef(heading);
  useEffect(() => {
    document.title = heading;
    if (before.current !== heading) title.current?.focus();
    before.current = heading;
  }, [heading]);
  return (
    <>
      <h1 ref={title} tabIndex={-1}>
        {heading}
      </h1>
      <p>{text}</p>
      {children}
    </>
  );
}
