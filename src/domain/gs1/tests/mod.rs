//! Each promise of the readers, by example with its negative twin, and then for every value.

mod constrained;
mod identities;
mod keys;
mod links;
mod properties;
mod rare;
mod urns;
mod values;

/// A GTIN from the range that GS1 keeps for examples.
const GTIN: &str = "09521234543213";
