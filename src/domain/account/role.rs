//! Roles, and what each may do. What a role is not given here it may not do.

/// What somebody is to a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Answers for everything, and says who else may do what.
    Owner,
    /// Releases and holds batches; looks after what is said of products.
    Quality,
    /// Fills batches and prints codes.
    Packer,
    /// Records where goods go.
    Logistics,
    /// Sees to papers at the border.
    Customs,
    /// Sees everything and changes nothing.
    Auditor,
}

/// What can be done in the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Look at the merchant's record.
    Look,
    /// Say who belongs to the team, and as what.
    Team,
    /// Make API keys and end them.
    Keys,
    /// See who did what.
    Audit,
}

impl Role {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Role; 6] = [
        Role::Owner,
        Role::Quality,
        Role::Packer,
        Role::Logistics,
        Role::Customs,
        Role::Auditor,
    ];

    /// As stored and as sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Quality => "quality",
            Role::Packer => "packer",
            Role::Logistics => "logistics",
            Role::Customs => "customs",
            Role::Auditor => "auditor",
        }
    }

    /// Reads [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether it may.
    pub fn may(self, duty: Duty) -> bool {
        match duty {
            Duty::Look => true,
            Duty::Team | Duty::Keys => self == Role::Owner,
            Duty::Audit => matches!(self, Role::Owner | Role::Quality | Role::Auditor),
        }
    }
}

impl Duty {
    /// Those who may do it, to be named to who may not.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| role.may(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    #[test]
    fn who_sees_everything_changes_nothing() {
        for duty in [Duty::Team, Duty::Keys] {
            assert!(!Role::Auditor.may(duty), "{duty:?}");
            assert!(duty.roles().next().is_some(), "somebody may: {duty:?}");
        }
        assert!(Role::Auditor.may(Duty::Audit) && !Role::Packer.may(Duty::Audit));
    }
}
