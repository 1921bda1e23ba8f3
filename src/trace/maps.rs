//! Maps and sets that a walk asks some million times: with a hash that is fast, and seeded anew for each, so that whoever
//! chooses identities cannot choose where they lie.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A map.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;
/// A set.
pub(super) type Set<T> = HashSet<T, RandomState>;
