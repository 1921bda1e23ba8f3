//! Words in both languages, as answers have them.

use serde::Serialize;

use crate::domain::master::Bilingual;
use crate::web::text::{Lang, Text};

/// `{"zh-CN":…,"en":…}`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Words {
    #[serde(rename = "zh-CN")]
    zh_cn: String,
    en: String,
}

impl Words {
    /// The same, said in each.
    pub fn saying(words: impl Fn(&Text) -> String) -> Words {
        Words {
            zh_cn: words(Text::of(Lang::ZhCn)),
            en: words(Text::of(Lang::En)),
        }
    }
}

impl From<Bilingual> for Words {
    fn from(words: Bilingual) -> Words {
        Words {
            zh_cn: words.zh_cn,
            en: words.en,
        }
    }
}
