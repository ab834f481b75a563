#!/usr/bin/env python3
"""Prints linux.seccomp of an engine's profile (seccomp.json of Podman, Docker), as the engine makes it on x86-64 for a container
with its default capabilities. Usage: profile.py FILE"""
import json, sys

CAPABILITIES = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",
                "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"}


def applies(entry):
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    return (
        ("amd64" in includes["arches"] if includes.get("arches") else True)
        and set(includes.get("caps", [])) <= CAPABILITIES
        and "amd64" not in excludes.get("arches", [])
        and not set(excludes.get("caps", [])) & CAPABILITIES
    )


with open(sys.argv[1]) as file:
    profile = json.load(file)
out = {"defaultAction": profile["defaultAction"], "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
       "syscalls": []}
if "defaultErrnoRet" in profile:
    out["defaultErrnoRet"] = profile["defaultErrnoRet"]
for entry in filter(applies, profile["syscalls"]):
    kept = {key: entry[key] for key in ("names", "action", "errnoRet", "args") if entry.get(key)}
    out["syscalls"].append(kept)
print(json.dumps(out))
