//! The witness's key: made once, read by its owner alone, never made again beside a memory.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog::cosignature::WitnessSigner;

use super::{WitnessError, state};
use crate::public::{self, PublicError, PublicFile};

const KEY: &str = "witness.key";

/// The key in `folder`, made under `name` if there is none.
pub(super) fn load_or_make(
    folder: &Path,
    name: Option<&str>,
) -> Result<WitnessSigner, WitnessError> {
    let path = folder.join(KEY);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let signer = WitnessSigner::parse(text.trim_end());
            let signer = signer.map_err(|error| WitnessError::Damaged {
                path,
                fault: error.to_string(),
            })?;
            match name {
                Some(name) if name != signer.key().name() => {
                    Err(WitnessError::OtherName(signer.key().name().to_owned()))
                }
                _ => Ok(signer),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(folder, path, name),
        Err(source) => Err(PublicError::File { path, source }.into()),
    }
}

fn make(folder: &Path, path: PathBuf, name: Option<&str>) -> Result<WitnessSigner, WitnessError> {
    if state::any(folder)? {
        return Err(WitnessError::LostKey(path));
    }
    let name = name.ok_or_else(|| WitnessError::NoName(folder.to_owned()))?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(WitnessError::Random)?;
    let signer = WitnessSigner::from_seed(name, &seed)?;
    let file = PublicFile::secret(KEY, format!("{}\n", signer.to_secret_text()));
    public::write(folder, &[file])?;
    Ok(signer)
}
