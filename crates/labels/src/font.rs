//! Loading a font: which file, which face, whether it may be embedded.

use std::path::{Path, PathBuf};

use ttf_parser::name::Name;
use ttf_parser::{Face, Language, Tag, name_id};

use crate::error::FontError;
use crate::limits::MAX_FONT_BYTES;

/// Families with Simplified Chinese forms, in the order in which they are taken from a collection.
const FAMILIES: [&str; 16] = [
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "思源黑体",
    "Noto Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "STHeiti",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "SimHei",
    "SimSun",
];

/// Files in which such a font usually lies on Linux, macOS and Windows.
const PLACES: [&str; 17] = [
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/source-han-sans/SourceHanSansSC-Regular.otf",
    "/usr/share/fonts/adobe-source-han-sans/SourceHanSansSC-Regular.otf",
    "/usr/share/fonts/adobe-source-han-sans/SourceHanSansCN-Regular.otf",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "/Library/Fonts/SourceHanSansSC-Regular.otf",
    "C:\\Windows\\Fonts\\msyh.ttc",
    "C:\\Windows\\Fonts\\NotoSansSC-Regular.otf",
    "C:\\Windows\\Fonts\\simhei.ttf",
    "C:\\Windows\\Fonts\\simsun.ttc",
];

/// A font file held in memory and the face chosen from it.
///
/// One font serves any number of jobs; a job keeps only the glyphs it needs.
pub struct Font {
    data: Vec<u8>,
    index: u32,
    family: String,
}

impl std::fmt::Debug for Font {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            data,
            index,
            family,
        } = self;
        write!(f, "Font({family:?}, face {index}, {} bytes)", data.len())
    }
}

impl Font {
    /// Loads a font file: OpenType or TrueType, alone (`.otf`, `.ttf`) or in a collection
    /// (`.ttc`, `.otc`), with `glyf` or `CFF` outlines.
    ///
    /// `face` is the family or full name of the wanted face, such as `Noto Sans CJK SC`. Without
    /// it, a collection gives the first known face for Simplified Chinese, or else its first face.
    ///
    /// # Errors
    /// See [`FontError`].
    pub fn load(path: impl AsRef<Path>, face: Option<&str>) -> Result<Self, FontError> {
        let path = path.as_ref();
        let data = read(path)?;
        let (index, family) = choose(&data, path, face)?;
        check(&data, index, path)?;
        Ok(Self {
            data,
            index,
            family,
        })
    }

    /// Loads the first usable font of the well-known places on Linux, macOS and Windows.
    ///
    /// # Errors
    /// [`FontError::NoneFound`] names the places.
    pub fn discover() -> Result<Self, FontError> {
        for place in PLACES {
            if Path::new(place).is_file()
                && let Ok(font) = Self::load(place, None)
            {
                return Ok(font);
            }
        }
        Err(FontError::NoneFound {
            looked_at: PLACES.iter().map(PathBuf::from).collect(),
        })
    }

    /// The family name of the chosen face.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FontError> {
    let unreadable = |source| FontError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MAX_FONT_BYTES {
        return Err(FontError::FileTooLarge {
            path: path.to_owned(),
            bytes,
            limit: MAX_FONT_BYTES,
        });
    }
    std::fs::read(path).map_err(unreadable)
}

/// The face that was asked for, or the one that suits Simplified Chinese best, with its family.
fn choose(data: &[u8], path: &Path, wanted: Option<&str>) -> Result<(u32, String), FontError> {
    let count = ttf_parser::fonts_in_collection(data).unwrap_or(1).min(64);
    let mut faces = Vec::new();
    for index in 0..count {
        let face = Face::parse(data, index).map_err(|_| FontError::NotAFont {
            path: path.to_owned(),
        })?;
        faces.push((index, names(&face)));
    }
    let has = |wanted: &str| {
        faces
            .iter()
            .find(|(_, names)| names.iter().any(|name| name == wanted))
    };
    let found = match wanted {
        Some(wanted) => has(wanted).ok_or_else(|| FontError::FaceNotHeld {
            path: path.to_owned(),
            wanted: wanted.to_owned(),
            held: faces
                .iter()
                .filter_map(|(_, names)| names.first().cloned())
                .collect(),
        })?,
        None => FAMILIES
            .iter()
            .find_map(|family| has(family))
            .or(faces.first())
            .ok_or_else(|| FontError::NotAFont {
                path: path.to_owned(),
            })?,
    };
    let (index, names) = found;
    Ok((*index, names.first().cloned().unwrap_or_default()))
}

/// The family and full names of a face in every language it has; families first, English first.
fn names(face: &Face<'_>) -> Vec<String> {
    let order = |name: &Name<'_>| {
        const WANTED: [u16; 3] = [
            name_id::TYPOGRAPHIC_FAMILY,
            name_id::FAMILY,
            name_id::FULL_NAME,
        ];
        let kind = WANTED.iter().position(|kind| *kind == name.name_id)?;
        Some((kind, name.language() != Language::English_UnitedStates))
    };
    let all = face.names().into_iter();
    let mut wanted: Vec<_> = all
        .filter_map(|name| Some((order(&name)?, name.to_string()?)))
        .collect();
    wanted.sort();
    wanted.into_iter().map(|(_, name)| name).collect()
}

/// Refuses what cannot or may not be embedded.
fn check(data: &[u8], index: u32, path: &Path) -> Result<(), FontError> {
    let path = path.to_owned();
    let Ok(face) = Face::parse(data, index) else {
        return Err(FontError::NotAFont { path });
    };
    let has = |tag: &[u8; 4]| face.raw_face().table(Tag::from_bytes(tag)).is_some();
    // The default instance of a variable font is often its thinnest, which no label should be set in.
    if has(b"fvar") || !(has(b"glyf") || has(b"CFF ")) {
        return Err(FontError::NoStaticOutlines { path });
    }
    let restricted = face.permissions() == Some(ttf_parser::Permissions::Restricted);
    if restricted || !face.is_subsetting_allowed() {
        return Err(FontError::EmbeddingNotAllowed { path });
    }
    Ok(())
}
