import { useState, type FormEvent } from "react";
import { ApiError, pay, type Enrolment } from "../api";
import { cents, euros, today } from "../format";
import { useSubmit } from "../useSubmit";
import { Field } from "./Field";
import { Problem } from "./Problem";

interface Props {
  enrolment: Enrolment;
  onPaid: () => Promise<void>;
}

export function PaymentForm({ enrolment, onPaid }: Props) {
  const [amount, setAmount] = useState((enrolment.balance_cents / 100).toFixed(2).replace(".", ","));
  const [method, setMethod] = useState("transfer");
  const [reference, setReference] = useState("");
  const [paidOn, setPaidOn] = useState(today);
  const { busy, error, submit } = useSubmit(async () => {
    const amountCents = cents(amount);
    if (!(amountCents > 0)) {
      throw new ApiError("Revisa los datos.", 422, { amount_cents: ["Escribe un importe, por ejemplo 60,00."] });
    }
    await pay(enrolment.id, { amount_cents: amountCents, method, reference, paid_on: paidOn });
    await onPaid();
  });

  function onSubmit(event: FormEvent): void {
    event.preventDefault();
    void submit();
  }

  return (
    <form onSubmit={onSubmit} aria-labelledby="pagar" noValidate>
      <h2 id="pagar">Registrar un pago</h2>
      <p>
        Quedan <strong>{euros(enrolment.balance_cents)}</strong> por pagar.
      </p>
      <Problem error={error} />
      <div className="columns">
        <Field label="Importe en euros" errors={error?.fields.amount_cents}>
          {(control) => (
            <input
              {...control}
              name="amount"
              inputMode="decimal"
              required
              value={amount}
              onChange={(event) => setAmount(event.target.value)}
            />
          )}
        </Field>
        <Field label="Medio" errors={error?.fields.method}>
          {(control) => (
            <select {...control} name="method" value={method} onChange={(event) => setMethod(event.target.value)}>
              <option value="transfer">Transferencia</option>
              <option value="card">Tarjeta</option>
              <option value="cash">Efectivo</option>
            </select>
          )}
        </Field>
        <Field label="Fecha del pago" errors={error?.fields.paid_on}>
          {(control) => (
            <input
              {...control}
              name="paid_on"
              type="date"
              required
              max={today()}
              value={paidOn}
              onChange={(event) => setPaidOn(event.target.value)}
            />
          )}
        </Field>
        <Field label="Referencia (opcional)" errors={error?.fields.reference}>
          {(control) => (
            <input
              {...control}
              name="reference"
              maxLength={80}
              value={reference}
              onChange={(event) => setReference(event.target.value)}
            />
          )}
        </Field>
      </div>
      <button type="submit" disabled={busy}>
        {busy ? "Registrando…" : "Registrar pago"}
      </button>
    </form>
  );
}
