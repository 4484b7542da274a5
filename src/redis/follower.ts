/** What a channel brings: its messages, and word that some may have been lost. */
export interface ChannelListener {
  message(text: string): void;
  /** The connection was away: anything may have been missed. */
  broken(): void;
}

/**
 * PORT. Sharded pub/sub, shared by all followers of this process.
 *
 * Messages MAY be lost. `broken` MUST be called after any break, however short, and once messages are heard again.
 */
export interface Follower extends AsyncDisposable {
  /** True while the way from publish to delivery is seen to work, on every master. */
  readonly up: boolean;
  /** Resolves once messages published from now on will be heard. @throws ServiceError `log-unavailable` */
  follow(channel: string, listener: ChannelListener): Promise<AsyncDisposable>;
}
