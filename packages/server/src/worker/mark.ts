/**
 * The variable in the environment of a bot's process whose value no other has. All that it starts inherits it, and is found by it when the process is
 * gone (B7): by the process itself on its way out, and by the server.
 */
export const markVariable = "SKEP_WORKER";
