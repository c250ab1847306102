# Move a folder away and make another with a file of the same name: `move.sh FOLDER FILE`.
mv "$1" moved || exit 1
mkdir -p "$(dirname "$1/$2")"
touch "$1/$2"
