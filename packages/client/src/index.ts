export { browserStorage } from "./browser-storage.ts";
export { type ServerCaller } from "./call-server.ts";
export { Client, connect, type ConnectOptions } from "./client.ts";
export type { Clock } from "./clock.ts";
export type { Socket, SocketClass } from "./connection.ts";
export { type ConnectionState, type ConnectionTimes, defaultTimes } from "./connection-state.ts";
export type { Conversation, ConversationChange } from "./conversation.ts";
export type { FileToSend } from "./upload.ts";
export type { Draft, TurnView } from "./conversation-state.ts";
export type { Bots, Fleet } from "./fleet.ts";
export type { TurnPart } from "./follow-turn.ts";
export type { HistoryPage } from "./history.ts";
export { HistoryReset } from "./history-reset.ts";
export { newId } from "./new-id.ts";
export type { Acceptance, OutboxRecord } from "./outbox.ts";
export { memoryStorage, type OutboxStorage } from "./outbox-storage.ts";
export { visibleParts, visibleText } from "./visible-text.ts";
export type { PendingSend } from "./pending-sends.ts";
export { Refusal } from "@skep/protocol/errors";
/** What is read and written; the conversation of the wire is called `ConversationInfo` here. */
export type {
  Bot,
  BotState,
  Conversation as ConversationInfo,
  Message,
  MessageFile,
  Part,
  Permission,
  PermissionOption,
  PermissionState,
  PlacedPart,
  PlanPart,
  Position,
  ResetReason,
  Role,
  ThoughtPart,
  ToolPart,
  TurnOutcome,
  TurnState,
} from "@skep/protocol/wire";
export type { ErrorCode, WireError } from "@skep/protocol/errors";
