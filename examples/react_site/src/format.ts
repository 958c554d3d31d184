const money = new Intl.NumberFormat("es-ES", { style: "currency", currency: "EUR" });
const day = new Intl.DateTimeFormat("es-ES", { dateStyle: "long" });

export const euros = (cents: number): string => money.format(cents / 100);

/** @param date YYYY-MM-DD, a day in the person's own calendar */
export const longDate = (date: string): string => day.format(new Date(`${date}T12:00:00`));

/** Today as YYYY-MM-DD where the person is. */
export function today(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

/** "60", "60,50" or "60.50" in cents; NaN for anything else. */
export function cents(text: string): number {
  return /^\d{1,5}([.,]\d{1,2})?$/.test(text.trim()) ? Math.round(Number(text.trim().replace(",", ".")) * 100) : NaN;
}

export const kilobytes = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1).replace(".", ",")} MB`;
