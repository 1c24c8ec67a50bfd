# shellcheck shell=bash
# Steps: one line each with its time, the log kept aside and shown only where it failed. Sourced by `dev`.

logs=build/logs
passed=0
failed=0

# What a failed log has to say: its end, without the lines of tests that passed.
show_log() { # LOG
    grep -vE '^ *(Start +[0-9]+: |[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed +[0-9.]+ sec$)' "$1" |
        tail -n 150 | sed 's/^/      | /'
    echo "      whole log: $1"
}

# Runs COMMAND under LABEL; returns its status. Counts nothing.
step() { # LABEL COMMAND…
    local label=$1 began=$EPOCHREALTIME seconds verdict=ok status=0
    shift
    mkdir -p "$logs"
    step_log=$logs/${label//[^a-z0-9]/-}.log
    [[ ! -t 1 ]] || printf '      %s …\r' "$label"
    "$@" >"$step_log" 2>&1 </dev/null || status=$?
    ((status == 0)) || verdict=FAIL
    seconds=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    printf '%-5s %-40s %7s s\n' "$verdict" "$label" "$seconds"
    ((status == 0)) || show_log "$step_log"
    return "$status"
}

# A step that stands for one check.
check() { # LABEL COMMAND…
    if step "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        return 1
    fi
}

# A step without which what follows makes no sense: counts only when it fails.
needed() { # LABEL COMMAND…
    step "$@" && return
    failed=$((failed + 1))
    return 1
}

# A step that runs many checks and says at its end how many passed and failed, in ctest's words or in ours.
checks() { # LABEL COMMAND…
    local status=0 good='' bad=''
    step "$@" || status=$?
    read -r good bad < <(sed -nE \
        -e 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\2 \1 total/p' \
        -e 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$step_log" |
        awk '{ print ($3 == "total" ? $1 - $2 : $1), $2 }' | tail -n 1) || true
    passed=$((passed + ${good:-0}))
    failed=$((failed + ${bad:-0}))
    # A run that broke off before its last word, or that found fault with something other than a check.
    if ((status != 0 && ${bad:-0} == 0)) || [[ -z $good ]]; then
        failed=$((failed + 1))
        ((status != 0)) || echo "FAIL  $1: it counted nothing; see $step_log"
        status=1
    fi
    return "$status"
}

# The last line of a run.
tally() {
    echo "$passed passed, $failed failed"
    ((failed == 0 && passed > 0))
}
