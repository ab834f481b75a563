package io.redoubt.seccomp;

import java.util.HashMap;
import java.util.Map;

/** Makes the nodes of decision graphs, each only once. */
final class DecisionPool {
  /** Has its own equals because those that records get are slow to set up in a JVM that starts. */
  private record BranchKey(WordTest test, int yes, int no) {
    @Override
    public boolean equals(Object other) {
      return other instanceof BranchKey key
          && yes == key.yes
          && no == key.no
          && test.equals(key.test);
    }

    @Override
    public int hashCode() {
      return (test.hashCode() * 31 + yes) * 31 + no;
    }
  }

  /** By the value that they return. */
  private final Map<Integer, Decision> returns = new HashMap<>();

  private final Map<BranchKey, Decision> branches = new HashMap<>();

  private int nextId() {
    return returns.size() + branches.size();
  }

  Decision returning(Action action) {
    int value = action.returnValue();
    Decision known = returns.get(value);
    if (known == null) {
      known = new Decision.Return(nextId(), value);
      returns.put(value, known);
    }
    return known;
  }

  Decision branch(WordTest test, Decision yes, Decision no) {
    var key = new BranchKey(test, yes.id(), no.id());
    Decision known = branches.get(key);
    if (known == null) {
      known = new Decision.Branch(nextId(), test, yes, no);
      branches.put(key, known);
    }
    return known;
  }
}
