#!/usr/bin/env bash
# The check step of action.yml. Inputs come as environment variables, never inside the script's text.
set -uo pipefail
args=()
while IFS= read -r path; do
  if [ -n "$path" ]; then args+=("$path"); fi
done <<<"${FLOWRACE_PATHS:-.}"
if [ -n "${FLOWRACE_BASELINE:-}" ]; then args+=(--baseline "$FLOWRACE_BASELINE"); fi
if [ -n "${FLOWRACE_FAIL_ON:-}" ]; then args+=(--fail-on "$FLOWRACE_FAIL_ON"); fi
"${FLOWRACE_BIN:-flowrace}" check --format sarif --output flowrace.sarif \
  --format markdown --output flowrace.md "${args[@]}"
code=$?
echo "code=$code" >>"$GITHUB_OUTPUT"
# The summary of a step holds 1 MiB.
if [ -f flowrace.md ]; then head -c 900000 flowrace.md >>"$GITHUB_STEP_SUMMARY"; fi
# The step after the upload fails the job.
exit 0
