import { useId, type ReactNode } from "react";

interface Control {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

interface Props {
  label: string;
  hint?: string;
  errors?: string[];
  children: (control: Control) => ReactNode;
}

/** A labelled control whose hint and errors a screen reader reads with it. */
export function Field({ label, hint, errors, children }: Props) {
  const id = useId();
  const note = errors?.join(" ") ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-invalid": Boolean(errors), "aria-describedby": note ? `${id}-note` : undefined })}
      {note && (
        <p id={`${id}-note`} className={errors ? "field-error" : "field-hint"}>
          {note}
        </p>
      )}
    </div>
  );
}
