//! Parameters against events.
