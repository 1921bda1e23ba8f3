//! How often somebody may try to come in (OWASP ASVS 5.0, V6.3.1). Nobody is locked out by strangers: a device on which its person
//! logged in before has tries of its own.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use uuid::Uuid;

use crate::domain::account::Email;
use crate::web::client;
use crate::web::limits::Limiter;

/// Tries of an account, of one of its devices, and of second factors, that may be used at once; one comes back every minute and a
/// half, which is ten in a quarter of an hour.
pub const TRIES: u32 = 10;
/// Tries of one network, whoever they are for: an office has one address.
pub const TRIES_OF_NETWORK: u32 = 60;
/// Letters that can be asked for to one address.
pub const LETTERS: u32 = 5;

const QUARTER: Duration = Duration::from_secs(900);

/// The tries of all.
#[derive(Debug)]
pub struct Tries {
    accounts: Limiter,
    devices: Limiter,
    networks: Limiter,
    factors: Limiter,
    letters: Limiter,
    letter_networks: Limiter,
}

impl Default for Tries {
    fn default() -> Tries {
        Tries {
            accounts: limiter(TRIES),
            devices: limiter(TRIES),
            networks: limiter(TRIES_OF_NETWORK),
            factors: limiter(TRIES),
            letters: limiter(LETTERS),
            letter_networks: limiter(TRIES_OF_NETWORK),
        }
    }
}

fn limiter(tries: u32) -> Limiter {
    let tries = NonZeroU32::new(tries).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(QUARTER / tries.get()).unwrap_or(Quota::per_minute(tries));
    Limiter::with_quota(quota.allow_burst(tries))
}

impl Tries {
    /// Counts a try with a password; after how many seconds to come again, if it is one too many.
    pub(super) fn password(
        &self,
        email: &Email,
        device: Option<Uuid>,
        address: IpAddr,
    ) -> Option<u64> {
        match device {
            Some(account) => self.devices.over(&account),
            None => (self.accounts.over(email)).or_else(|| over(&self.networks, address)),
        }
    }

    /// Counts a try with a code. Whoever tries has shown the password: nobody else uses these up.
    pub(super) fn factor(&self, account: Uuid) -> Option<u64> {
        self.factors.over(&account)
    }

    /// Counts a letter.
    pub(super) fn letter(&self, email: &Email, address: IpAddr) -> Option<u64> {
        let of_address = self.letters.over(email);
        of_address.or_else(|| over(&self.letter_networks, address))
    }
}

/// Whoever is on this machine is its operator, or a proxy that nobody told us to trust: then all the world has one address.
fn over(networks: &Limiter, address: IpAddr) -> Option<u64> {
    match address.is_loopback() {
        true => None,
        false => networks.over(&client::network(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_ten_tries_and_a_known_device_ten_of_its_own() {
        let tries = Tries::default();
        let email = Email::parse("na@larkmere.example").unwrap();
        let other = Email::parse("li@larkmere.example").unwrap();
        let from = |n: u8| IpAddr::from([198, 51, 100, n]);
        for n in 0..10 {
            assert_eq!(tries.password(&email, None, from(n)), None);
        }
        let wait = tries.password(&email, None, from(20)).unwrap();
        assert!((60..=90).contains(&wait), "{wait}");
        let mine = Some(Uuid::from_u128(1));
        assert_eq!(
            tries.password(&email, mine, from(21)),
            None,
            "not locked out"
        );
        assert_eq!(tries.password(&other, None, from(21)), None);
        for _ in 0..9 {
            tries.password(&email, mine, from(21));
        }
        assert!(tries.password(&email, mine, from(21)).is_some());
    }

    #[test]
    fn a_network_does_not_try_accounts_without_end() {
        let tries = Tries::default();
        let address = IpAddr::from([198, 51, 100, 7]);
        let email = |n: u32| Email::parse(&format!("p{n}@larkmere.example")).unwrap();
        let refused = (0..100).filter(|n| tries.password(&email(*n), None, address).is_some());
        assert_eq!(refused.count(), 40);
    }
}
