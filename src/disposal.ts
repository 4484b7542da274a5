/**
 * What has been opened, disposed in reverse order, each whatever happens to the others: AsyncDisposableStack in the
 * little that we need of it, because Node has it only from 24 on.
 */
export class DisposalStack implements AsyncDisposable {
  readonly #stack: (() => Promise<void> | void)[] = [];

  /** Takes an owner of resources over and returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.#stack.push(async () => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(dispose: () => Promise<void> | void): void {
    this.#stack.push(dispose);
  }

  /** @throws AggregateError of all that failed */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let dispose = this.#stack.pop(); dispose; dispose = this.#stack.pop()) {
      try {
        await dispose();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "Not everything could be closed.");
  }
}
