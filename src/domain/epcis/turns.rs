//! What an event does with the things that it names.

use super::event::{Action, Event, EventType, What};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;
use crate::domain::turn::{Turn, Turns};

impl Event {
    /// What becomes of its things, by role.
    pub fn turns(&self) -> Turns {
        let (parent, child) = match self.event_type {
            EventType::Aggregation => self.packing(),
            EventType::Association => self.fastening(),
            EventType::Object | EventType::Transaction | EventType::Transformation => {
                <(Turn, Turn)>::default()
            }
        };
        let epc = if self.ends_its_things() {
            Turn::Ended
        } else {
            Turn::Seen
        };
        let items = match (self.makes_its_things(), self.is_error_declaration()) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => -1,
        };
        Turns {
            epc,
            parent,
            child,
            items,
            ..Turns::default()
        }
    }

    /// Whether it sells its things to consumers.
    pub fn is_sale(&self) -> bool {
        self.biz_step.as_deref() == Some("retail_selling")
    }

    /// Whether what it names in a role comes into the world by it.
    pub fn makes(&self, role: Role) -> bool {
        role == Role::Output || (role == Role::Epc && self.makes_its_things())
    }

    fn makes_its_things(&self) -> bool {
        match self.event_type {
            EventType::Object => self.action == Some(Action::Add),
            EventType::Transformation => true,
            EventType::Aggregation | EventType::Association | EventType::Transaction => false,
        }
    }

    /// Where it happened, else where its things are since.
    pub fn place(&self) -> Option<&Identity> {
        self.read_point.as_ref().or(self.biz_location.as_ref())
    }

    /// The elements of `childEPCs` and `childQuantityList`.
    pub fn children(&self) -> impl Iterator<Item = &What> {
        self.what.iter().filter(|what| what.role == Role::Child)
    }

    /// The children that measure what they are fastened to: by their key, or by the words that CBV has for
    /// building one thing into another. What is carried is a neighbour.
    pub fn instruments(&self) -> impl Iterator<Item = &Identity> {
        let step = self.biz_step.as_deref();
        let is_built_in = matches!(step, Some("installing" | "removing"));
        let is_association = self.event_type == EventType::Association;
        let children = self.children().map(|what| &what.identity);
        children.filter(move |child| {
            is_association
                && match child {
                    Identity::Giai(_) => true,
                    Identity::Sscc(_) => false,
                    _ => is_built_in,
                }
        })
    }

    fn packing(&self) -> (Turn, Turn) {
        let has_children = self.children().next().is_some();
        // EPCIS: DELETE without children takes out everything.
        let parent = match self.action {
            _ if has_children => Turn::Holds,
            Some(Action::Delete) => Turn::Emptied,
            _ => Turn::Seen,
        };
        let child = match self.action {
            Some(Action::Add) => Turn::PutIn,
            Some(Action::Delete) => Turn::TakenOut,
            // An observation opens and closes nothing.
            _ => Turn::Seen,
        };
        (parent, child)
    }

    fn fastening(&self) -> (Turn, Turn) {
        let has_children = self.children().next().is_some();
        let measures = self.instruments().next().is_some();
        let parent = match self.action {
            Some(Action::Add) if measures => Turn::Fitted,
            _ if measures => Turn::Seen,
            _ if has_children => Turn::Holds,
            Some(Action::Delete) => Turn::Cleared,
            _ => Turn::Seen,
        };
        let child = match self.action {
            Some(Action::Add) => Turn::Fastened,
            Some(Action::Delete) => Turn::Unfastened,
            _ => Turn::Seen,
        };
        (parent, child)
    }

    /// Whether its things are, by this event, no more, or no more in the trade: whatever held them has let
    /// them go, even if nobody wrote that down.
    fn ends_its_things(&self) -> bool {
        let step = self.biz_step.as_deref();
        let is_end = matches!(
            step,
            Some("retail_selling" | "decommissioning" | "destroying")
        );
        is_end || (self.event_type == EventType::Object && self.action == Some(Action::Delete))
    }
}
