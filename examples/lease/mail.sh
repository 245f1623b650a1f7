#!/bin/sh
# The mail: takes each letter and writes it down in the store's directory.
while IFS= read -r line; do
    case $line in
    *'"event":'*)
        [ -z "$AQO_STORE" ] || printf '%s\n' "$line" >>"$AQO_STORE/mail.txt"
        id=${line##*'"id":"'}
        printf '{"ack":"%s"}\n' "${id%%'"'*}"
        ;;
    *)
        printf '{}\n'
        ;;
    esac
done
