import type { ApiError } from "../api";

export function Problem({ error }: { error: ApiError | null }) {
  return (
    <div role="alert" className={error ? "problem" : undefined}>
      {error?.message}
    </div>
  );
}
