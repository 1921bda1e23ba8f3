//! What is refused, or decided, before Postgres is ever started.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::find::{candidates, find_binaries, major_in};
use super::super::identity::unprivileged_user;
use super::super::{Cluster, ClusterConfig, ClusterError, DataDirLock};
use super::Folder;

#[test]
fn a_lost_cluster_is_an_error_and_never_an_empty_one() {
    let folder = Folder::open();
    let link = folder.data_dir.join("postgres");
    symlink(folder.temp.path().join("gone"), &link).unwrap();
    let told = folder.start().unwrap_err();
    assert!(
        matches!(told, ClusterError::LinkTargetGone { .. }),
        "{told}"
    );
    assert!(
        told.to_string().contains("gone, and no empty cluster"),
        "{told}"
    );

    fs::remove_file(&link).unwrap();
    fs::create_dir(&link).unwrap();
    let told = folder.start().unwrap_err();
    assert!(matches!(told, ClusterError::NotACluster { .. }), "{told}");
    assert_eq!(
        fs::read_dir(&folder.data_dir).unwrap().count(),
        1,
        "nothing was made"
    );
}

#[test]
fn a_cluster_without_its_password_file_is_an_error() {
    let folder = Folder::open();
    folder.pretend_cluster(&find_binaries(None).unwrap().major_version().to_string());
    let told = folder.start().unwrap_err();
    assert!(matches!(told, ClusterError::PasswordGone { .. }), "{told}");

    fs::write(
        folder.data_dir.join("postgres.password"),
        "only half of a pass",
    )
    .unwrap();
    let told = folder.start().unwrap_err();
    assert!(
        matches!(told, ClusterError::PasswordUnreadable { .. }),
        "{told}"
    );
    assert!(!told.to_string().contains("only half"));
}

#[test]
fn data_of_another_major_version_is_refused_naming_both_and_the_remedy() {
    let folder = Folder::open();
    folder.pretend_cluster("99");
    let installed = find_binaries(None).unwrap();
    for bin_dir in [None, Some(installed.dir().to_owned())] {
        let config = ClusterConfig {
            bin_dir,
            ..ClusterConfig::new(&folder.data_dir)
        };
        let told = Cluster::start(&config).unwrap_err().to_string();
        assert!(told.contains("made by PostgreSQL 99"), "{told}");
        assert!(
            told.contains(&format!("holds PostgreSQL {}", installed.major)),
            "{told}"
        );
        assert!(told.contains("apt-get install postgresql-99"), "{told}");
    }
}

#[test]
fn a_data_folder_serves_one_service_at_a_time() {
    let folder = Folder::open();
    let lock = DataDirLock::take(&folder.data_dir).unwrap();
    let told = DataDirLock::take(&folder.data_dir).unwrap_err().to_string();
    assert!(
        told.contains(&format!("(process {})", std::process::id())),
        "{told}"
    );
    drop(lock);
    DataDirLock::take(&folder.data_dir).unwrap();
}

#[test]
fn a_named_folder_without_the_programs_is_an_error_and_no_reason_to_look_elsewhere() {
    let folder = Folder::open();
    let told = find_binaries(Some(&folder.data_dir))
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("ROOTMARK_PG_BIN is") && told.contains("`initdb`"),
        "{told}"
    );
    assert!(find_binaries(None).is_ok());
    let remedy = ClusterError::NotInstalled.to_string();
    assert!(remedy.contains("apt-get install postgresql"));
    assert!(remedy.contains("ROOTMARK_DATABASE_URL"));
}

#[test]
fn the_newest_version_by_number_comes_first_and_client_packages_do_not_count() {
    let folder = Folder::open();
    let root = &folder.data_dir;
    let place = |dir: &str, programs: &[&str]| {
        fs::create_dir_all(root.join(dir)).unwrap();
        for program in programs {
            let path = root.join(dir).join(program);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
    };
    let all = ["initdb", "pg_ctl", "postgres"];
    place("9/bin", &all);
    place("15/bin", &all);
    place("17/bin", &["psql", "pg_dump"]);
    place("common/bin", &all);
    place("path", &all);
    let path = std::env::join_paths([root.join("nothing"), root.join("path")]).unwrap();
    let found = candidates(root, Some(&path));
    assert_eq!(found, ["15/bin", "9/bin", "path"].map(|dir| root.join(dir)));
    assert!(candidates(&root.join("nothing"), None).is_empty());
}

#[test]
fn versions_and_users_are_read_from_what_programs_and_files_say() {
    assert_eq!(
        major_in("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
        Some(15)
    );
    assert_eq!(major_in("postgres (PostgreSQL) 18beta1"), Some(18));
    assert_eq!(major_in("postgres (PostgreSQL) devel"), None);
    assert_eq!(major_in("sh: 1: not found"), None);

    let uid = |passwd: &str| unprivileged_user(passwd).map(|user| (user.uid, user.gid));
    let nobody = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n";
    let both = format!("{nobody}postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n");
    assert_eq!(uid(nobody), Some((65534, 65533)));
    assert_eq!(uid(&both), Some((101, 104)));
    assert_eq!(
        uid("root:x:0:0:root:/root:/bin/sh\npostgres:x:0:0::/:/bin/sh\nbroken\n"),
        None
    );
}
