"""The event types, one file each: whatever struct with a `tag` a file declares is one."""
