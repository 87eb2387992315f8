import { type Ask, GatewayUnavailableError, reach } from "../gateway";
import { type Refusal, refusal, UNAVAILABLE } from "./actionOutcome";
import dataExportOperation from "./operations/data-export.graphql?raw";

/** What somebody can have of the copy of their data. */
export type FetchedExport =
  | { readonly kind: "here"; readonly file: Blob; readonly name: string }
  /** A mail tells when it is ready. */
  | { readonly kind: "pending" }
  /** None was asked for, it could not be made, or it was deleted after its time. */
  | { readonly kind: "none" };

/** `dataExport`, as our operation asks for it. */
interface DataExport {
  readonly id: string;
  readonly status: "PENDING" | "READY" | "EXPIRED" | "FAILED";
  readonly downloadUrl: string | null;
}

/** The newest copy of who is logged in with *token*, fetched from where it lies; *ask* does so as them. */
export async function fetchExport(token: string, ask: Ask): Promise<FetchedExport | Refusal> {
  try {
    const { data } = await ask(dataExportOperation, {});
    if (!data) return refusal(UNAVAILABLE);
    const { dataExport } = data as { readonly dataExport: DataExport | null };
    if (dataExport?.status === "PENDING") return { kind: "pending" };
    if (!dataExport?.downloadUrl) return { kind: "none" };
    return await download(dataExport.downloadUrl, `${dataExport.id}.json`, token);
  } catch (error) {
    if (error instanceof GatewayUnavailableError) return refusal(UNAVAILABLE);
    throw error;
  }
}

async function download(url: string, name: string, token: string): Promise<FetchedExport | Refusal> {
  const response = await reach(url, { headers: { Authorization: `Bearer ${token}` } });
  if (response.status === 404) return { kind: "none" };
  return response.ok ? { kind: "here", file: await response.blob(), name } : refusal(UNAVAILABLE);
}
