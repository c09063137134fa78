"""The rows of `text.py` that run in transformers on torch; started by it, prints one line of JSON."""

import argparse
import json
import tempfile

import text
import torch
import transformers


def main():
    """Measures one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", choices=[*text.BATCHES, "tokens"], required=True)
    parser.add_argument("--steps", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(json.dumps(tokens() if args.child == "tokens" else encoder(args.child, args.steps)))


def encoder(row, steps):
    """CPU seconds of training or inference steps."""
    model = transformers.BertForSequenceClassification(transformers.BertConfig(num_labels=2))
    ids, types, _ = map(torch.tensor, text.inputs(text.BATCHES[row]))
    given = {"input_ids": ids, "token_type_ids": types, "attention_mask": torch.ones_like(ids)}
    if row != "step":
        model.eval()

        def answer():
            with torch.inference_mode():
                model(**given)

        return text.measured(answer, steps)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5)

    def step():
        loss = model(**given, labels=torch.zeros(len(ids), dtype=torch.int64)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()

    return text.measured(step, steps)


def tokens():
    """CPU seconds for 2,000 lines, one at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = text.vocabulary(folder)
        tokenizer, lines = transformers.BertTokenizerFast(vocab_file=path, vocab=path), text.lines()
        return text.measured(lambda: [tokenizer(line, return_tensors="np") for line in lines], 3)


if __name__ == "__main__":
    main()
