/** The API is another origin: the one given when the site was built, else `api.` before this site's name. */
const API_URL: string = (
  import.meta.env.VITE_API_URL || `${location.protocol}//api.${location.host.replace(/^www\./, "")}`
).replace(/\/$/, "");

export interface Course {
  id: number;
  name: string;
  teacher: string;
  schedule: string;
  fee_cents: number;
  seats: number;
  seats_left: number;
}

export interface Receipt {
  id: string;
  filename: string;
  content_type: string;
  size: number;
  stored: boolean;
}

export interface Payment {
  id: string;
  amount_cents: number;
  method: "transfer" | "card" | "cash";
  reference: string | null;
  paid_on: string;
  receipts: Receipt[];
  invoice: { id: string; number: string } | null;
}

export interface Enrolment {
  id: string;
  class: Omit<Course, "seats_left">;
  student: { name: string; email: string };
  balance_cents: number;
  payments: Payment[];
  notices: { body: string; created_at: string }[];
  created_at: string;
}

export interface NewEnrolment {
  class_id: number;
  name: string;
  email: string;
  phone: string;
}

export interface NewPayment {
  amount_cents: number;
  method: string;
  reference: string;
  paid_on: string;
}

/** What the API refused, in words for the person, with the fields at fault if it named any. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly fields: Record<string, string[]> = {},
  ) {
    super(message);
  }
}

async function request(url: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    throw new ApiError("No hay conexión con la academia. Prueba dentro de un momento.", 0);
  }
}

async function call<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
  const answer = await request(`${API_URL}/api${path}`, {
    method,
    headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new ApiError(data.message ?? `La academia respondió ${answer.status}.`, answer.status, data.errors);
  }
  return data as T;
}

export const listClasses = () => call<Course[]>("GET", "/classes");
export const enrol = (enrolment: NewEnrolment) => call<Enrolment>("POST", "/enrolments", enrolment);
export const getEnrolment = (id: string) => call<Enrolment>("GET", `/enrolments/${encodeURIComponent(id)}`);
export const pay = (enrolmentId: string, payment: NewPayment) =>
  call<Payment>("POST", `/enrolments/${enrolmentId}/payments`, payment);

/** The file goes from here straight to the bucket, by a URL the API signed for exactly this file. */
export async function uploadReceipt(paymentId: string, file: File): Promise<Receipt> {
  const { receipt, upload } = await call<{
    receipt: Receipt;
    upload: { method: string; url: string; headers: Record<string, string> };
  }>("POST", `/payments/${paymentId}/receipts`, {
    filename: file.name,
    content_type: file.type,
    size: file.size,
  });
  const stored = await request(upload.url, { method: upload.method, headers: upload.headers, body: file });
  if (!stored.ok) {
    throw new ApiError(`El almacén no aceptó el archivo (${stored.status}).`, stored.status);
  }
  return call<Receipt>("POST", `/receipts/${receipt.id}/confirm`);
}

/** Ask for a signed URL and follow it: it is an attachment, so the page stays. */
export async function download(kind: "receipts" | "invoices", id: string): Promise<void> {
  const { url } = await call<{ url: string }>("GET", `/${kind}/${id}/download`);
  location.assign(url);
}
