//! What a statement does with the things that it names: as much as a walk must know before it reads the
//! statement. A case that was filled a thousand times is asked for what befell itself, and a lot of a
//! million items for what it was made of.

use super::statement::{About, Kind, Role};

/// What becomes of a thing by a statement that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Turn {
    /// Nothing that the other turns say.
    #[default]
    Seen,
    /// Of a child: it was put into what holds it.
    PutIn,
    /// Of a child: it was taken out.
    TakenOut,
    /// Of a child: it was fastened to what holds it, or built in.
    Fastened,
    /// Of a child: it was taken off.
    Unfastened,
    /// It is no more, or no more in the trade.
    Ended,
    /// Of a parent: the event is about its children, and not about itself.
    Holds,
    /// Of a parent: all that was in it was taken out.
    Emptied,
    /// Of a parent: all that was fastened to it was taken off.
    Cleared,
    /// Of a parent: something was fastened to it that measures.
    Fitted,
    /// Of a product or a lot: codes were issued for all of it.
    Issued,
    /// Of a product: codes were issued for one of its lots.
    IssuedLot,
    /// Of an input that is one thing, and not some of a lot or a kind: it went into a process, with whatever was in it.
    Used,
}

impl Turn {
    /// The number under which the trace index keeps it: migrations 0015 and 0019 and queries hold these.
    pub fn index_code(self) -> i16 {
        self as i16
    }
}

/// What becomes of the things of a statement, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turns {
    /// Of elements of `epcList` and `quantityList`.
    pub epc: Turn,
    /// Of `parentID`.
    pub parent: Turn,
    /// Of elements of `childEPCs` and `childQuantityList`.
    pub child: Turn,
    /// Of lots.
    pub lot: Turn,
    /// Of the product.
    pub product: Turn,
    /// Of items: 1 where they come into the world by it, −1 where that is declared an error, else 0.
    pub items: i8,
}

impl Turns {
    /// What becomes of a thing in a role.
    pub fn of(self, role: Role) -> Turn {
        match role {
            Role::Epc => self.epc,
            Role::Parent => self.parent,
            Role::Child => self.child,
            Role::Lot => self.lot,
            Role::Product => self.product,
            _ => Turn::Seen,
        }
    }

    /// Those of a statement that is no event.
    pub fn of_kind(kind: Kind, about: &[About]) -> Turns {
        if kind != Kind::Issuance {
            return Turns::default();
        }
        let is_of_lot = about.iter().any(|about| about.role == Role::Lot);
        Turns {
            lot: Turn::Issued,
            product: if is_of_lot {
                Turn::IssuedLot
            } else {
                Turn::Issued
            },
            ..Turns::default()
        }
    }
}
