import { useId, useRef, useState, type FormEvent } from "react";
import { ApiError, download, uploadReceipt, type Payment } from "../api";
import { euros, kilobytes, longDate } from "../format";
import { useSubmit } from "../useSubmit";
import { Problem } from "./Problem";

const METHODS = { transfer: "Transferencia", card: "Tarjeta", cash: "Efectivo" };
const TYPES = ["application/pdf", "image/jpeg", "image/png"];
const MAX_BYTES = 10 * 1024 * 1024;

interface Props {
  payment: Payment;
  onChange: () => Promise<void>;
}

export function PaymentItem({ payment, onChange }: Props) {
  const inputId = useId();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const upload = useSubmit(async () => {
    if (!file || !TYPES.includes(file.type) || file.size > MAX_BYTES) {
      throw new ApiError("Elige un PDF, JPG o PNG de 10 MB como mucho.", 0);
    }
    await uploadReceipt(payment.id, file);
    setFile(null);
    input.current!.value = "";
    await onChange();
  });
  const fetching = useSubmit(download);

  function onSubmit(event: FormEvent): void {
    event.preventDefault();
    void upload.submit();
  }

  return (
    <li className="payment">
      <div className="payment-head">
        <strong>{euros(payment.amount_cents)}</strong>
        <span>
          {METHODS[payment.method]}, {longDate(payment.paid_on)}
          {payment.reference && ` · ${payment.reference}`}
        </span>
      </div>
      <ul className="documents">
        <li>
          {payment.invoice ? (
            <button type="button" className="link" onClick={() => void fetching.submit("invoices", payment.invoice!.id)}>
              Factura {payment.invoice.number}
            </button>
          ) : (
            <span className="muted">Factura en preparación…</span>
          )}
        </li>
        {payment.receipts.map((receipt) => (
          <li key={receipt.id}>
            <button type="button" className="link" onClick={() => void fetching.submit("receipts", receipt.id)}>
              {receipt.filename}
            </button>{" "}
            <span className="muted">({kilobytes(receipt.size)})</span>
          </li>
        ))}
      </ul>
      <Problem error={fetching.error ?? upload.error} />
      <form onSubmit={onSubmit} className="upload" aria-label={`Justificante del pago de ${euros(payment.amount_cents)}`}>
        <label htmlFor={inputId}>Añadir un justificante (PDF, JPG o PNG)</label>
        <input
          id={inputId}
          ref={input}
          type="file"
          accept={TYPES.join(",")}
          onChange={(event) => setFile(event.target.files?.[0] ?? null)}
        />
        <button type="submit" className="secondary" disabled={!file || upload.busy}>
          {upload.busy ? "Subiendo…" : "Subir"}
        </button>
      </form>
    </li>
  );
}
