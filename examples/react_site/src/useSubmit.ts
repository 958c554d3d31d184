import { useState } from "react";
import { ApiError } from "./api";

/** Runs one submission at a time and keeps what went wrong, for the form to show. */
export function useSubmit<Args extends unknown[]>(action: (...args: Args) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);

  async function submit(...args: Args): Promise<void> {
    if (busy) {
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await action(...args);
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError("Algo ha fallado en esta página.", 0));
    } finally {
      setBusy(false);
    }
  }

  return { busy, error, submit };
}
