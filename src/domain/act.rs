//! Administrative acts, as they are kept for whoever audits a merchant's team.

/// What was done. Its word is in `templates/text/words/`, section `act`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Somebody was invited to the team.
    MemberInvited,
    /// An invitation was taken back.
    InvitationTakenBack,
    /// Somebody accepted an invitation.
    MemberJoined,
    /// Somebody has another role now.
    RoleChanged,
    /// Somebody belongs to the team no longer.
    MemberRemoved,
    /// Somebody logged in.
    LoggedIn,
    /// A session was ended by hand.
    SessionEnded,
    /// Somebody took another password.
    PasswordChanged,
    /// Somebody took another password, who had forgotten the old one.
    PasswordReset,
    /// Somebody set up a second factor.
    FactorAdded,
    /// A second factor was taken away.
    FactorRemoved,
    /// Somebody has new codes on paper.
    RecoveryCodesMade,
    /// Five codes were wrong after the right password.
    CodesWrong,
    /// Somebody logged in with a code on paper.
    RecoveryCodeUsed,
    /// An API key was made.
    KeyMade,
    /// An API key was ended.
    KeyEnded,
    /// The acts were taken out as a file.
    ActsExported,
}

impl What {
    /// All of them.
    pub const ALL: [What; 17] = [
        What::MemberInvited,
        What::InvitationTakenBack,
        What::MemberJoined,
        What::RoleChanged,
        What::MemberRemoved,
        What::LoggedIn,
        What::SessionEnded,
        What::PasswordChanged,
        What::PasswordReset,
        What::FactorAdded,
        What::FactorRemoved,
        What::RecoveryCodesMade,
        What::CodesWrong,
        What::RecoveryCodeUsed,
        What::KeyMade,
        What::KeyEnded,
        What::ActsExported,
    ];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            What::MemberInvited => "memberInvited",
            What::InvitationTakenBack => "invitationTakenBack",
            What::MemberJoined => "memberJoined",
            What::RoleChanged => "roleChanged",
            What::MemberRemoved => "memberRemoved",
            What::LoggedIn => "loggedIn",
            What::SessionEnded => "sessionEnded",
            What::PasswordChanged => "passwordChanged",
            What::PasswordReset => "passwordReset",
            What::FactorAdded => "factorAdded",
            What::FactorRemoved => "factorRemoved",
            What::RecoveryCodesMade => "recoveryCodesMade",
            What::CodesWrong => "codesWrong",
            What::RecoveryCodeUsed => "recoveryCodeUsed",
            What::KeyMade => "keyMade",
            What::KeyEnded => "keyEnded",
            What::ActsExported => "actsExported",
        }
    }
}

/// Who acts, where it is nobody of the team.
pub const OPERATOR: &str = "operator";
