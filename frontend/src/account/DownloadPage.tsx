import { useEffect, useState } from "react";

import type { Ask } from "../gateway";
import { fetchExport, type FetchedExport } from "./dataExport";
import { LoginFirst } from "./LoginFirst";
import { type Said, Section } from "./Section";

const LEAD: Said = {
  heading: "Download the copy of your data",
  text: "Log in once more: the copy is for nobody but you. The page logs you out again when it has it.",
};
const HERE: Said = {
  heading: "Here is the copy of your data",
  text: "It tells much about you: keep it where nobody else reads it.",
};
const WITHOUT_FILE: Readonly<Record<"pending" | "none", Said>> = {
  pending: { heading: "The copy is not ready yet", text: "A mail tells you when it is. Then open this page again." },
  none: {
    heading: "There is nothing to download",
    text: "None was asked for, or it was deleted after seven days. Ask for a copy again: there is one a day.",
  },
};

/** What the mail about a finished data export leads to: a login, and the file for whom it is about. */
export function DownloadPage({ ask }: { readonly ask: Ask }) {
  const [fetched, setFetched] = useState<FetchedExport | null>(null);
  if (fetched === null)
    return (
      <Section {...LEAD}>
        <LoginFirst button="Log in and fetch it" ask={ask} act={fetchExport} onEnd={setFetched} />
      </Section>
    );
  if (fetched.kind !== "here") return <Section {...WITHOUT_FILE[fetched.kind]} />;
  return (
    <Section {...HERE}>
      <FileLink file={fetched.file} name={fetched.name} />
    </Section>
  );
}

function FileLink({ file, name }: { readonly file: Blob; readonly name: string }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <a className="button" href={address} download={name}>
      Save the file
    </a>
  );
}
