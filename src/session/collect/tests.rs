//! What the collector's answers mean.

use super::*;
use crate::session::powershell::{message, syntax_errors};

fn posix(lines: &str) -> Result<Facts, CollectError> {
    read(Platform::Posix, &format!("muster-facts\t1\n{lines}end\n"))
}

fn windows(lines: &str) -> Facts {
    read(Platform::Windows, &format!("muster-facts\t1\r\n{}end\r\n", lines.replace('\n', "\r\n")))
        .expect("facts")
}

#[test]
fn what_is_missing_is_unknown() {
    assert_eq!(posix(""), Ok(Facts::default()));
    assert_eq!(posix("users\tknown\nreboot\tknown\n").map(|f| (f.signed_in_users, f.pending_reboot)), {
        Ok((Some(BTreeSet::new()), Some(BTreeSet::new())))
    });
}

#[test]
fn malformed_answers_are_errors() {
    assert_eq!(read(Platform::Posix, ""), Err(CollectError::NoBeginning));
    assert_eq!(read(Platform::Posix, "muster-facts\t2\nend\n"), Err(CollectError::NoBeginning));
    assert_eq!(read(Platform::Posix, "muster-facts\t1\nclock\t5\n"), Err(CollectError::NoEnd(2)));
    for bad in [
        "\n",
        "hostname\n",
        "hostname\ta\tb\n",
        "nonsense\tx\n",
        "clock\tsoon\n",
        "clock\t99999999999999999\n",
        "os.family\tamiga\n",
        "chassis\tx\n",
        "package\tdpkg\tname\t1\tamd64\n",
        "package\tsnap\tname\t1\tamd64\tinstall ok installed\n",
        "package\tdpkg\t\t1\tamd64\tinstall ok installed\n",
        "software\ta\t1\tx86\t\tnobody\tno\n",
        "upgrade\tabc\tdef\n",
        "end\nhostname\tx\n",
    ] {
        let error = posix(bad).expect_err(bad);
        assert!(matches!(error, CollectError::Line { .. }), "{bad:?}: {error}");
    }
}

#[test]
fn an_answer_cut_anywhere_is_an_error_and_never_half_an_inventory() {
    let whole =
        "muster-facts\t1\nclock\t5\npackage\tdpkg\ta\t1\tall\tinstall ok installed\nsource\tdpkg\nend";
    assert!(read(Platform::Posix, whole).is_ok());
    for end in 0..whole.len() {
        assert!(read(Platform::Posix, &whole[..end]).is_err(), "{end}");
    }
}

#[test]
fn packages_are_sorted_and_removed_ones_left_out() {
    let facts = posix(
        "package\tdpkg\tzsh\t5.9-4\tamd64\tinstall ok installed\n\
         package\tdpkg\tgone\t1\tamd64\tdeinstall ok config-files\n\
         package\tdpkg\tnever\t\t\tunknown ok not-installed\n\
         package\trpm\tgpg-pubkey\t1-2\t(none)\tinstall ok installed\n\
         package\tdpkg\tadduser\t3.134\tall\thold ok installed\nsource\tdpkg\n",
    )
    .expect("facts");
    let names: Vec<_> = facts.packages.iter().map(|p| (p.name.as_str(), p.architecture.as_deref())).collect();
    assert_eq!(names, [("adduser", Some("all")), ("gpg-pubkey", None), ("zsh", Some("amd64"))]);
    assert_eq!(facts.package_sources, BTreeSet::from([PackageSource::Dpkg]));
}

#[test]
fn package_managers_tell_what_they_have_or_that_they_could_not_be_read() {
    let facts = windows(
        "package\twinget\t7zip.7zip\t24.09\t\tinstall ok installed\n\
         package\twinget\tVendor.Silent\t\t\tinstall ok installed\n\
         package\tchoco\tgit\t2.47.1\t\tinstall ok installed\nsource\twinget\nunread\tchoco\n",
    );
    let names: Vec<_> =
        facts.packages.iter().map(|p| (p.source, p.name.as_str(), p.version.as_str())).collect();
    assert_eq!(
        names,
        [
            (PackageSource::Winget, "7zip.7zip", "24.09"),
            (PackageSource::Winget, "Vendor.Silent", ""),
            (PackageSource::Choco, "git", "2.47.1")
        ]
    );
    assert_eq!(facts.package_sources, BTreeSet::from([PackageSource::Winget]));
    assert_eq!(facts.unread_sources, BTreeSet::from([PackageSource::Choco]));
    for bad in ["package\tbrew\ttool\t\t\tinstall ok installed\n", "source\tsnap\n", "unread\tx\n"] {
        assert!(posix(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn roles_follow_from_evidence_only() {
    let roles =
        |lines: &str| posix(lines).expect("facts").roles.map(|roles| roles.into_iter().collect::<Vec<_>>());
    assert_eq!(roles("chassis\t1\n"), None, "a virtual machine says nothing");
    assert_eq!(roles("chassis\t3\n"), None, "so does a desktop's case");
    assert_eq!(roles("chassis\t10\n"), Some(vec![Role::Workstation, Role::Portable]));
    assert_eq!(roles("chassis\t138\n"), Some(vec![Role::Workstation, Role::Portable]), "with a lock");
    assert_eq!(roles("battery\tyes\n"), Some(vec![Role::Workstation, Role::Portable]));
    assert_eq!(roles("desktop\tyes\n"), Some(vec![Role::Workstation]));
    assert_eq!(roles("chassis\t23\n"), Some(vec![Role::Server]));
    assert_eq!(roles("chassis\t23\ndesktop\tyes\n"), Some(vec![Role::Server]));

    let roles = |lines: &str| windows(lines).roles.map(|roles| roles.into_iter().collect::<Vec<_>>());
    assert_eq!(roles("chassis\t10\n"), None, "without WMI");
    assert_eq!(roles("domain-role\t1\nchassis\t3\n"), Some(vec![Role::Workstation]));
    assert_eq!(roles("domain-role\t0\nchassis\t9\n"), Some(vec![Role::Workstation, Role::Portable]));
    assert_eq!(roles("domain-role\t3\nbattery\tyes\n"), Some(vec![Role::Server]), "the battery of a UPS");
    assert_eq!(roles("domain-role\t4\n"), Some(vec![Role::Server, Role::DomainController]));
    assert_eq!(
        roles("domain-role\t5\n"),
        Some(vec![Role::Server, Role::DomainController, Role::PrimaryDomainController])
    );
}

#[test]
fn windows_software_has_its_codes() {
    let facts = windows(
        "os.family\twindows\narchitecture\tAMD64\n\
         upgrade\t0E837F96AB3DCAA4AAAACCB1BC12EF67\t1F2E3D4C5B6A79880123456789ABCDEF\n\
         software\tTool\t1.2\tx86_64\t{69f738e0-d3ba-4aac-aaaa-cc1bcb21fe76}\tmachine\tyes\n\
         software\tPlain\t\tx86\t\tuser\tno\nsource\tregistry\nreboot\tknown\nreboot-cause\tfile-rename\n",
    );
    assert_eq!(facts.architecture.as_deref(), Some("x86_64"));
    assert_eq!(facts.pending_reboot, Some(BTreeSet::from(["file-rename".to_owned()])));
    let [plain, tool] = facts.packages.as_slice() else { panic!("{:?}", facts.packages) };
    assert_eq!((plain.scope, plain.hidden, plain.version.as_str()), (Some(PackageScope::User), false, ""));
    assert_eq!(tool.product_code.as_deref(), Some("{69F738E0-D3BA-4AAC-AAAA-CC1BCB21FE76}"));
    assert_eq!(tool.upgrade_code.as_deref(), Some("{C4D3E2F1-A6B5-8897-1032-547698BADCFE}"));
    assert!(tool.hidden);
}

#[test]
fn packed_guids_are_unpacked() {
    assert_eq!(
        unpack("00002109F10070400000000000F01FEC").as_deref(),
        Some("{90120000-001F-0407-0000-0000000FF1CE}")
    );
    for bad in
        ["", "0", "{90120000-001F-0407-0000-000000F0F1}", "zz002109F10070400000000000F01FEC", &"ä".repeat(16)]
    {
        assert_eq!(unpack(bad), None, "{bad:?}");
    }
}

#[test]
fn the_collector_for_windows_is_powershell() {
    let errors: Vec<_> = syntax_errors(WINDOWS).into_iter().map(|place| message(WINDOWS, &place)).collect();
    assert_eq!(errors, [""; 0]);
}
