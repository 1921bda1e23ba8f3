//! Settings of what the service sends to addresses that customers gave.

use super::Reader;
use super::serving::network;
use crate::http_client::PrivateTargets;
use crate::mail::{MailSettings, SmtpServer};

/// Networks and hosts on the list.
const MAX_ENTRIES: usize = 64;
/// Characters of a host's name: RFC 1035 §2.3.4.
const MAX_HOST_CHARS: usize = 253;

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn webhook_targets(&mut self) -> PrivateTargets {
        let targets = self.parsed(
            "ROOTMARK_WEBHOOK_PRIVATE_TARGETS",
            "at most 64 networks, addresses and host names with commas between them, such as \
             10.1.0.0/16,erp.example.internal",
            private_targets,
        );
        targets.unwrap_or_default()
    }

    /// The fault names the variable and never its value, which may hold a password.
    pub(super) fn mail(&mut self) -> MailSettings {
        const SERVER: &str = "ROOTMARK_SMTP_URL";
        const FROM: &str = "ROOTMARK_MAIL_FROM";
        let must_be = "an address of mail, such as rootmark@example.org";
        let from = self.parsed(FROM, must_be, |text| text.parse().ok());
        let Some(url) = self.text(SERVER) else {
            return MailSettings::Outbox;
        };
        match (SmtpServer::parse(&url), from) {
            (Ok(server), Some(from)) => return MailSettings::Smtp { server, from },
            (Err(fault), _) => self.faults.push(format!("{SERVER}: {fault}")),
            // What is set and no address was said already.
            (Ok(_), None) if self.text(FROM).is_some() => {}
            (Ok(_), None) => self
                .faults
                .push(format!("{SERVER} is set, and {FROM} is not")),
        }
        MailSettings::Outbox
    }
}

fn private_targets(text: &str) -> Option<PrivateTargets> {
    let mut targets = PrivateTargets::default();
    for (number, entry) in text.split(',').map(str::trim).enumerate() {
        if number == MAX_ENTRIES {
            return None;
        }
        match network(entry) {
            Some(network) => targets.networks.push(network),
            None => targets.hosts.push(host(entry)?),
        }
    }
    Some(targets)
}

/// The name of a host. What ends in a number is a mistaken address.
fn host(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(plain)
    };
    let is_name = text.len() <= MAX_HOST_CHARS && text.split('.').all(is_label);
    let last = text.rsplit('.').next()?;
    let is_number = last.starts_with(|first: char| first.is_ascii_digit());
    (is_name && !is_number).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use crate::config::{Settings, SettingsError};
    use crate::http_client::PrivateTargets;

    fn read(value: &str) -> Result<PrivateTargets, SettingsError> {
        let name = "ROOTMARK_WEBHOOK_PRIVATE_TARGETS";
        let read = Settings::read(|asked| (asked == name).then(|| value.to_owned()));
        read.map(|settings| settings.webhook_targets)
    }

    #[test]
    fn private_targets_are_networks_addresses_and_names_and_none_unless_set() {
        assert_eq!(read("").unwrap(), PrivateTargets::default());
        let targets = read("10.1.0.0/16, ::1,ERP.Example.internal,erp").unwrap();
        let shown: Vec<String> = targets.networks.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.1.0.0/16", "::1/128"]);
        assert_eq!(targets.hosts, ["erp.example.internal", "erp"]);
    }

    #[test]
    fn what_is_neither_a_network_nor_a_name_is_a_fault() {
        let long = format!("a{}", ".a".repeat(127));
        assert!(read(&long[..253]).is_ok());
        for bad in [
            "*",
            "10.0.0.0/33",
            "10.0.0.256",
            "10.0.0",
            "0x7f.1",
            "host:8080",
            "https://host",
            "host.",
            ".host",
            "host,",
            "a b",
            "bücher.example",
            &long,
        ] {
            let SettingsError(faults) = read(bad).unwrap_err();
            assert!(faults[0].contains("PRIVATE_TARGETS"), "{bad}");
        }
        assert!(read(&["a"; 64].join(",")).is_ok());
        assert!(read(&["a"; 65].join(",")).is_err());
    }
}
