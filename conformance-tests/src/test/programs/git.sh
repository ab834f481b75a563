#!/bin/bash
# needs: git
# timeout: 120
cd "$(mktemp -d)" || exit 1
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.com
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git config --global init.defaultBranch main
git init -q repo && cd repo || exit 1
for i in $(seq 1 100); do mkdir -p "d$((i % 7))"; seq 1 "$i" >"d$((i % 7))/f$i"; done
git add . && git commit -qm 'first commit' && git log --oneline
git rev-parse HEAD
git status --porcelain
echo change >>d1/f1; ln -s d1 link; chmod +x d2/f2
git status --porcelain
git add -A && git commit -qm second && git log --stat | cat
git checkout -qb branch HEAD~1 && echo branch >b && git add b && git commit -qm third
git checkout -q main && git merge -q branch -m merge && git log --oneline --graph
git diff HEAD~1 --stat
git fsck --full 2>/dev/null; echo "fsck $?"
git gc -q && git count-objects -v | grep in-pack
git fsck --full 2>/dev/null; echo "fsck $?"
git tag v1 && git describe --tags
git stash list; echo dirty >d3/f3; git stash -q; git stash pop -q; git diff --name-only; git checkout -q d3/f3
cd .. && git clone -q repo copy && cd copy && git log --oneline | wc -l && ls | wc -l
git ls-files | sha256sum
git archive HEAD | tar -t | wc -l
git grep -n '^99$' | sort | head -n 3
git blame d1/f1 | wc -l
git rm -q b && git commit -qm removed && git push -q ../repo HEAD:refs/heads/pushed && git -C ../repo log --oneline pushed | head -n 1
git worktree add -q ../tree pushed 2>/dev/null; ls .. | sort
