//! How much of a forward trace is worked off at a time.

/// How much is read at a time, and how much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Statements that give items to lots, at a time.
    pub namings: usize,
    /// Items, at a time.
    pub items: usize,
    /// Items from which on half of them are walked beside the others.
    pub beside: usize,
    /// Items of one lot that are told.
    pub items_of_lot: usize,
    /// Times in which something held affected things, and events by which they were passed on, that are kept for the
    /// end; none for whoever does not ask for them.
    pub ways: usize,
}

impl Pace {
    /// Of a service: some megabytes at a time, and some hundred at the most.
    pub const USUAL: Pace = Pace {
        namings: 512,
        items: 8_192,
        beside: 4_096,
        items_of_lot: 2_000_000,
        ways: 1_000_000,
    };
    /// The same, of the things alone.
    pub const THINGS: Pace = Pace {
        ways: 0,
        ..Pace::USUAL
    };
    /// Of codes, which are small.
    pub const CODES: Pace = Pace {
        namings: 2_048,
        items: 16_384,
        ..Pace::THINGS
    };
}
